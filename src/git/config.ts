import { join } from 'node:path'
import { type InstancePaths } from '../lib/paths.ts'

/** Where the hooks are that every repository uses: root's, beside the program, out of reach of what is pushed. */
export const hooksPath = join(import.meta.dirname, '../../bin/hooks')

/**
 * The only configuration that git reads on the server (`GIT_CONFIG_GLOBAL`). A repository's own would come on
 * top, but nobody who pushes can write it.
 */
export function gitConfig(): string {
  return `# Written by the controller at its start.
[core]
	hooksPath = ${quoted(hooksPath)}
[receive]
	fsckObjects = true
	maxInputSize = 512m
	# git push -o clear-cache
	advertisePushOptions = true
	# A packet each second, so that a pusher who is gone is noticed.
	keepAlive = 1
	# Pushes from shallow clones, as CI systems have them.
	shallowUpdate = true
	# --force is the pusher's right; which branch may be deleted is the hook's business.
	denyNonFastForwards = false
	denyDeletes = false
[receive "fsck"]
	# Found in old histories of honest projects, and harmless.
	missingSpaceBeforeDate = ignore
	badTimezone = ignore
	zeroPaddedFilemode = ignore
[gc]
	# Ends with the push that started it.
	autoDetach = false
`
}

const quoted = (value: string): string => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

/** What git runs with, in place of any inherited environment; the client adds the request's own facts. */
export function gitEnvironment(paths: InstancePaths): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: paths.home,
    LANG: 'C.UTF-8',
    GIT_CONFIG_GLOBAL: paths.gitConfig,
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  }
}

import { z } from 'zod'
import { changeConfig, type ConfigChange } from '../../deploy/config.ts'
import { changeGlobalConfig } from '../../deploy/global-config.ts'
import { type CommandContext } from '../define.ts'
import { deployContext } from '../deploying.ts'
import { nameOf, type Scope } from './global.ts'

/** What config:set and the like tell. */
export const ConfigChanged = z.object({
  /** null: every app's. */
  app: z.string().nullable(),
  names: z.array(z.string()),
  /** live: `release` carries the change. kept: the next release does. unchanged: it was so already. */
  outcome: z.enum(['live', 'kept', 'unchanged']),
  release: z.int().nullable(),
  /** Of a change for every app: the release of each that is live, or why it has none. */
  apps: z.array(z.object({ app: z.string(), release: z.int().nullable(), reason: z.string().nullable() })),
})
export type ConfigChanged = z.infer<typeof ConfigChanged>

/** Changes the config of an app, or of every app, for a command. */
export async function changeIn(
  scope: Scope,
  change: ConfigChange,
  context: CommandContext,
  options: { restart: boolean },
): Promise<ConfigChanged> {
  const names = Object.keys(change)
  if (scope.global) {
    const { changed, apps } = await changeGlobalConfig(change, deployContext(context), options)
    const outcome = apps.length > 0 ? 'live' : changed ? 'kept' : 'unchanged'
    return { app: null, names, outcome, release: null, apps }
  }
  const { outcome, release } = await changeConfig(scope.app, change, deployContext(context), options)
  return { app: nameOf(scope), names, outcome, release: release ?? null, apps: [] }
}

export function renderChanged(
  verb: 'Set' | 'Unset' | 'Changed',
  { app, names, outcome, release, apps }: ConfigChanged,
): string {
  const whose = app ?? 'all apps'
  if (outcome === 'unchanged') return `Nothing to change: ${names.join(', ')} of ${whose} was so already.\n`
  const each = apps.map((one) =>
    one.release === null
      ? ` !     ${one.app} keeps its old release: ${one.reason ?? ''}\n`
      : `       ${one.app}: v${one.release}\n`,
  )
  const when = outcome === 'kept' ? '; the next release goes by it' : release === null ? '' : `: v${release}`
  return `${verb} ${names.join(', ')} of ${whose}${when}.\n${each.join('')}`
}

/** 1 where an app did not come up with a change for every app. */
export const changedExitCode = ({ apps }: ConfigChanged): number =>
  apps.some(({ release }) => release === null) ? 1 : 0

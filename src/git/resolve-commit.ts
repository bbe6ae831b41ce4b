import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PaasError } from '../errors/paas-error.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { gitEnvironment } from './config.ts'

/**
 * The full id of the commit that a branch, a tag or a (shortened) id stands for in what was pushed to an app. git runs
 * with the rights of the repository's owner. Throws NOT_FOUND.
 */
export async function resolveCommit(paths: InstancePaths, appId: string, name: string): Promise<string> {
  const repository = join(paths.repos, `${appId}.git`)
  const owner = await stat(repository).catch(() => undefined)
  const commit =
    owner === undefined
      ? undefined
      : await new Promise<string | undefined>((resolve) => {
          execFile(
            'git',
            ['-C', repository, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`],
            { env: gitEnvironment(paths), uid: owner.uid, gid: owner.gid },
            (error, stdout) => resolve(error === null ? stdout.trim() : undefined),
          )
        })
  if (commit !== undefined && /^[0-9a-f]{40,64}$/.test(commit)) return commit
  throw new PaasError('NOT_FOUND', `No commit ${JSON.stringify(name.slice(0, 64))} was pushed to this app.`, {
    hint: 'To deploy what is not here yet: git push paas main',
  })
}

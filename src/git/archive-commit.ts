import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { PaasError } from '../errors/paas-error.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { gitEnvironment } from './config.ts'

/**
 * The files of a commit that was pushed before, as a tar. git runs with the rights of the repository's owner:
 * what is in it was written by others. Throws, after what there was, if git could not write all of it.
 */
export function archiveCommit(paths: InstancePaths, appId: string, commit: string): Readable {
  return Readable.from(archive(paths, join(paths.repos, `${appId}.git`), commit), { objectMode: false })
}

async function* archive(paths: InstancePaths, repository: string, commit: string): AsyncGenerator<Buffer> {
  const { uid, gid } = await stat(repository).catch((cause: unknown) => {
    throw new PaasError('NOT_FOUND', 'The app has no repository here.', { hint: 'git push paas main', cause })
  })
  const child = spawn('git', ['-C', repository, 'archive', '--format=tar', '--end-of-options', commit], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: gitEnvironment(paths),
    uid,
    gid,
  })
  const ended = once(child, 'close') as Promise<[number | null]>
  ended.catch(() => undefined)
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk
  const [code] = await ended
  if (code !== 0)
    throw new PaasError('SOURCE_REFUSED', `git could not read the commit ${commit.slice(0, 7)}.`)
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { PaasError } from '../errors/paas-error.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { gitEnvironment } from './config.ts'

/**
 * The files of another repository's branch or tag (`url#ref`, else its default branch), as a tar. Nothing is
 * checked out, no hook and no submodule is run or followed.
 */
export async function* cloneArchive(
  paths: InstancePaths,
  url: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const [address = '', ref] = url.split('#')
  const folder = await mkdtemp(join(tmpdir(), 'paas-clone-'))
  const env = { ...gitEnvironment(paths), GIT_ALLOW_PROTOCOL: 'https:http:ssh:git:file' }
  const branch = ref === undefined ? [] : [`--branch=${ref}`]
  try {
    const options = ['-c', 'core.hooksPath=/dev/null', 'clone', '--quiet', '--bare', '--depth=1', ...branch]
    const clone = spawn('git', [...options, '--', address, folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env,
      signal,
    })
    const ended = once(clone, 'close') as Promise<[number | null]>
    ended.catch(() => undefined)
    const said = await text(clone.stderr)
    if ((await ended)[0] !== 0)
      throw new PaasError(
        'NOT_FOUND',
        `${address} could not be fetched: ${said.trim().split('\n').at(-1) ?? ''}`,
      )
    const archive = spawn('git', ['-C', folder, 'archive', '--format=tar', 'HEAD'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env,
      signal,
    })
    for await (const chunk of archive.stdout as AsyncIterable<Buffer>) yield chunk
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simpleGit } from 'simple-git'
import { messageOf, PaasError } from '../errors/paas-error.ts'
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
  try {
    await clone(address, ref, folder, env, signal)
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

async function clone(
  address: string,
  ref: string | undefined,
  folder: string,
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const git = simpleGit({
    abort: signal,
    config: ['core.hooksPath=/dev/null'],
    // The paths are ours, in an environment that has nothing of the caller's.
    allowEnvironment: Object.keys(env),
    unsafe: { allowUnsafeConfigPaths: true, allowUnsafeHooksPath: true },
  })
  const options = {
    '--bare': null,
    '--depth': 1,
    '--quiet': null,
    ...(ref !== undefined && { '--branch': ref }),
  }
  try {
    await git.env(env).clone(address, folder, options)
  } catch (cause) {
    signal.throwIfAborted()
    const reason = messageOf(cause).trim().split('\n').at(-1) ?? ''
    throw new PaasError('NOT_FOUND', `${address} could not be fetched: ${reason}`, { cause })
  }
}

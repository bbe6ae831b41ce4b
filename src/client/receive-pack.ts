import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { GitGrant } from '../api/wire.ts'
import { PaasError } from '../errors/paas-error.ts'
import { renderError } from '../errors/render.ts'
import { onOrphaned } from './orphan.ts'
import { endGroup, exitOf, startGroup } from './process-group.ts'

/**
 * Takes a push; call it only while the app's turn is held. git's output passes through here, because
 * receive-pack itself does not notice a pusher that is gone: the ref would still move, or a talkative hook would
 * wait forever. `lost` resolves when the controller withdraws the turn. Resolves with git's exit code.
 */
export async function receivePack(
  grant: GitGrant,
  env: NodeJS.ProcessEnv,
  lost: Promise<void>,
): Promise<number> {
  await sweep(grant.repository)
  const child = startGroup('git', ['receive-pack', grant.repository], env, 'pipe')
  let ending: Promise<void> | undefined
  const stop = (): void => {
    ending ??= endGroup(child)
  }

  const tooLarge = sizeRefusal()
  child.stdout!.on('data', (chunk: Buffer) => {
    tooLarge.see(chunk)
    if (process.stdout.write(chunk)) return
    child.stdout!.pause()
    process.stdout.once('drain', () => child.stdout!.resume())
  })
  process.stdout.on('error', () => {
    stop()
    child.stdout!.resume()
  })
  // What the hook still says has nowhere to go either.
  process.stderr.on('error', stop)
  onOrphaned(stop)
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(name, stop)

  const done = exitOf(child)
  const withdrawn = await Promise.race([done.then(() => false), lost.then(() => true)])
  if (withdrawn) {
    const error = new PaasError('CANCELLED', 'The server stopped this push; nothing was changed.', {
      hint: 'Push again.',
    })
    process.stderr.write(renderError(error, { json: false }))
    stop()
  }
  const code = await done
  await ending
  if (tooLarge.seen()) {
    const error = new PaasError('PUSH_REFUSED', 'The push is larger than pushes may be here.', {
      hint: 'Data and build products do not belong into the repository, nor into its history: git rm them, and git commit --amend or git rebase.',
    })
    process.stderr.write(renderError(error, { json: false }))
  }
  if (code !== 0) await sweep(grant.repository)
  else if (grant.branch === undefined) await pointHead(grant.repository, env)
  return code
}

/** git says only by how much a push is too large (receive.maxInputSize), among what it sends to the pusher. */
function sizeRefusal(): { see: (chunk: Buffer) => void; seen: () => boolean } {
  const missing = new Set(['pack exceeds maximum allowed size', 'abnormal exit'])
  return {
    see: (chunk) => missing.forEach((text) => chunk.includes(text) && missing.delete(text)),
    seen: () => missing.size === 0,
  }
}

/** After a first push to master, a clone should check master out. */
async function pointHead(repository: string, env: NodeJS.ProcessEnv): Promise<void> {
  const git = (...args: string[]): Promise<number> =>
    exitOf(startGroup('git', ['--git-dir', repository, ...args], env, 'ignore'))
  const has = async (branch: string): Promise<boolean> =>
    (await git('rev-parse', '--quiet', '--verify', `refs/heads/${branch}`)) === 0
  if (!(await has('main')) && (await has('master'))) await git('symbolic-ref', 'HEAD', 'refs/heads/master')
}

/** Removes what a receive-pack that was killed left behind: its quarantine, and locks that nobody holds any more. */
async function sweep(repository: string): Promise<void> {
  const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true })
  const objects = join(repository, 'objects')
  for (const name of await readdir(objects)) {
    if (/^(?:tmp_objdir-)?incoming-/.test(name)) await remove(join(objects, name))
  }
  const refs = await readdir(join(repository, 'refs'), { recursive: true })
  const locks = [...(await readdir(repository)), ...refs.map((name) => join('refs', name))]
  for (const name of locks) if (name.endsWith('.lock')) await remove(join(repository, name))
}

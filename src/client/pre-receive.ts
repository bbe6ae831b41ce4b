import { spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { PaasError } from '../errors/paas-error.ts'
import { instancePaths } from '../lib/paths.ts'
import { askController } from './local.ts'
import { parseUpdates, planPush, pushOptions } from './push-rules.ts'

/**
 * git's pre-receive hook: decides what the pushed refs mean and has the controller deploy the commit, from an
 * archive of it that still lies in quarantine. The push is accepted only if this resolves with 0. Its
 * environment is the one that client/git.ts made.
 */
export async function preReceive(env: NodeJS.ProcessEnv): Promise<number> {
  const { PAAS_ROOT: root, PAAS_KEY_ID: keyId, PAAS_APP_ID: appId, PAAS_APP: app, PAAS_BRANCH: branch } = env
  if (root === undefined || keyId === undefined || appId === undefined || app === undefined) {
    throw new PaasError('PUSH_REFUSED', 'This repository takes pushes over SSH only.')
  }
  const { deploy, notes } = planPush(parseUpdates(await text(process.stdin)), branch, app)
  const { clearCache, unknown } = pushOptions(env)
  for (const note of [...notes, ...unknown]) process.stderr.write(`       ${note}\n`)
  if (deploy === undefined) return 0
  const { ref, oldCommit, commit } = deploy
  await mustBeCommit(commit)
  return askController(
    instancePaths(root).sshSocket,
    { kind: 'push', appId, ref, oldCommit, commit, ...(clearCache && { clearCache }), keyId },
    { stdin: () => Readable.from(archive(commit), { objectMode: false }), files: false },
  )
}

/** git itself refuses other objects on a branch, but only after this hook. */
async function mustBeCommit(commit: string): Promise<void> {
  const child = spawn('git', ['cat-file', '-t', commit], { stdio: ['ignore', 'pipe', 'ignore'] })
  if ((await text(child.stdout)).trim() === 'commit') return
  throw new PaasError('PUSH_REFUSED', 'What was pushed is not a commit.', {
    hint: 'An annotated tag is deployed as: git push paas TAG^{}:main',
  })
}

/** The commit's files as a tar; throws, after what there was, if git could not write all of it. */
async function* archive(commit: string): AsyncGenerator<Buffer> {
  const child = spawn('git', ['archive', '--format=tar', commit], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  )
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk
  if ((await exit) !== 0) {
    throw new PaasError('PUSH_REFUSED', 'git could not read the pushed commit.')
  }
}

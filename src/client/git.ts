import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { GitGrant, GitService } from '../api/wire.ts'
import { PaasError } from '../errors/paas-error.ts'
import { askGrant } from './git-grant.ts'
import { exitOf, startGroup } from './process-group.ts'
import { receivePack } from './receive-pack.ts'

/** Runs a git service for a key on an app's repository. Resolves with the exit code. */
export async function serveGit(
  sshSocket: string,
  wanted: { service: GitService; app: string; keyId: string },
): Promise<number> {
  const answer = await askGrant(sshSocket, { kind: 'git', ...wanted })
  if ('refused' in answer) return answer.refused
  const { grant, lost, release } = answer
  const env = gitEnvironment(grant, wanted.keyId)
  try {
    if (!existsSync(join(grant.repository, 'HEAD'))) await initialise(grant.repository, env)
    if (wanted.service === 'git-receive-pack') return await receivePack(grant, env, lost)
    const service = wanted.service.slice('git-'.length)
    return await exitOf(startGroup('git', [service, grant.repository], env))
  } finally {
    release()
  }
}

/** What git and the hook run with: nothing inherited but the protocol version that the pusher's git asked for. */
function gitEnvironment(grant: GitGrant, keyId: string): NodeJS.ProcessEnv {
  const protocol = process.env['GIT_PROTOCOL']
  return {
    ...grant.env,
    ...(protocol !== undefined && /^version=[0-2]$/.test(protocol) && { GIT_PROTOCOL: protocol }),
    PAAS_ROOT: process.env['PAAS_ROOT'] ?? '/',
    PAAS_NODE: process.execPath,
    PAAS_CLIENT: process.argv[1]!,
    PAAS_KEY_ID: keyId,
    PAAS_APP_ID: grant.appId,
    PAAS_APP: grant.app,
    ...(grant.branch !== undefined && { PAAS_BRANCH: grant.branch }),
  }
}

async function initialise(repository: string, env: NodeJS.ProcessEnv): Promise<void> {
  const init = ['init', '--bare', '--quiet', '--template=', '--initial-branch=main', '--', repository]
  if ((await exitOf(startGroup('git', init, env))) === 0) return
  throw new PaasError('PUSH_REFUSED', 'The repository could not be made.', {
    hint: 'An admin finds out why with: paas doctor',
  })
}

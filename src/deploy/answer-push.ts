import { type Platform } from '../apps/platform.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type Access, type Identity, identityName } from '../model/key.ts'
import { type AppId } from '../model/names.ts'
import { type Readable } from 'node:stream'
import { deploy } from './push.ts'
import { reportTo } from './report.ts'

type PushRequest = { appId: AppId; ref: string; commit: string; clearCache?: boolean }
type PushSession = {
  identity: Identity
  signal: AbortSignal
  io: { stdin: () => Readable; stderr: (text: string) => Promise<void> }
}

/** Answers a pre-receive hook: deploys the commit, telling the pusher how it goes. 0 exactly when it is live. */
export async function answerPush(
  platform: Platform,
  request: PushRequest,
  { identity, signal, io }: PushSession,
  authorise: (identity: Identity, access: Access, app?: { name: string }) => void,
): Promise<number> {
  const app = await platform.store.apps.get(request.appId)
  if (app === undefined) throw new PaasError('APP_NOT_FOUND', 'The app has been destroyed meanwhile.')
  authorise(identity, 'deploy', app)
  await deploy(
    {
      app,
      branch: request.ref.replace(/^refs\/heads\//, ''),
      commit: request.commit,
      archive: io.stdin,
      clearCache: request.clearCache ?? false,
    },
    {
      platform,
      signal,
      actor: identityName(identity),
      report: reportTo(platform, (text) => void io.stderr(text)),
    },
  )
  return 0
}

import { join } from 'node:path'
import { createApp } from '../apps/create.ts'
import { type Platform } from '../apps/platform.ts'
import { PaasError } from '../errors/paas-error.ts'
import { gitEnvironment } from '../git/config.ts'
import { type App } from '../model/app.ts'
import { identityName } from '../model/key.ts'
import { AppName } from '../model/names.ts'
import { authorise, mayUse } from './authorise.ts'
import { type GitRequest } from './request.ts'
import { type Session } from './session.ts'
import { type GitGrant } from './wire.ts'

/**
 * Answers a `git` request: authorises it, creates the app of a first push, and grants. A push holds the app's
 * turn until its client closes: the next one then sees the refs that this one left, so that what git accepts
 * and what was deployed cannot differ.
 */
export async function answerGit(platform: Platform, request: GitRequest, session: Session): Promise<number> {
  const { identity, io, signal } = session
  const isPush = request.service === 'git-receive-pack'
  authorise(identity, isPush ? 'deploy' : 'read', { name: request.app })
  const found = await findApp(platform, request.app)
  if (!isPush) {
    if (found === undefined) throw appNotFound(request.app)
    await io.stdout(`${JSON.stringify(grantFor(platform, found))}\n`)
    return 0
  }
  const app = found ?? (await createForPush(platform, request.app, session))
  const owner = identityName(identity)
  const onWait = (ahead: { owner: string }): void => {
    void io.stderr(`-----> Waiting for a push of ${ahead.owner} to ${app.name}\n`)
  }
  const supersedes = (by: { owner: string }): Error =>
    new PaasError('PUSH_REFUSED', `A newer push of ${by.owner} to ${app.name} has taken this one's place.`)
  const who = { owner, verb: 'git push', signal, onWait, supersedes }
  return platform.queues.run(`push ${app.id}`, who, async () => {
    const current = await platform.store.apps.get(app.id)
    if (current === undefined) throw appNotFound(app.name)
    await io.stdout(`${JSON.stringify(grantFor(platform, current))}\n`)
    await session.closed
    return 0
  })
}

async function findApp({ store }: Platform, name: string): Promise<App | undefined> {
  const parsed = AppName.safeParse(name)
  if (!parsed.success) {
    throw new PaasError('INVALID_INPUT', `${JSON.stringify(name)} is not the name of an app.`, {
      hint: parsed.error.issues[0]!.message,
    })
  }
  return store.apps.find(parsed.data)
}

async function createForPush(platform: Platform, name: string, { identity, io }: Session): Promise<App> {
  if (!mayUse(identity, 'manage', { name })) throw appNotFound(name)
  await io.stderr(`-----> Creating app ${name}\n`)
  return createApp(platform, AppName.parse(name), identityName(identity))
}

function grantFor({ paths }: Platform, app: App): GitGrant {
  return {
    appId: app.id,
    app: app.name,
    repository: join(paths.repos, `${app.id}.git`),
    ...(app.branch !== undefined && { branch: app.branch }),
    env: gitEnvironment(paths),
  }
}

function appNotFound(name: string): PaasError {
  return new PaasError('APP_NOT_FOUND', `There is no app named ${JSON.stringify(name)}.`, {
    hint: 'A key with the role manage creates it: paas apps:create, or by its first push.',
  })
}

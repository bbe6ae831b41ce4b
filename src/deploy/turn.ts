import { appQueue } from '../apps/queue.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Release } from '../model/release.ts'
import { type DeployContext } from './context.ts'

/** Runs a change of what runs when the app's turn comes; meanwhile the caller hears who is ahead. */
export function takeTurn<T>(
  app: App,
  verb: string,
  { platform, actor, signal, report }: DeployContext,
  task: (current: App) => Promise<T>,
): Promise<T> {
  const onWait = (ahead: { owner: string; verb: string; since: Date }) =>
    report({ type: 'queue:waiting', ...ahead })
  return appQueue(platform, app, { owner: actor, verb, signal, onWait }, task)
}

/** The release that serves; undefined before the first one. Throws STATE_CORRUPT where it is not stored. */
export async function liveRelease(
  { platform }: Pick<DeployContext, 'platform'>,
  app: App,
): Promise<Release | undefined> {
  if (app.currentRelease === undefined) return undefined
  const release = await platform.store.releases.get(app.id, app.currentRelease)
  if (release === undefined) {
    throw new PaasError('STATE_CORRUPT', `Release v${app.currentRelease} of ${app.name} is missing.`)
  }
  return release
}

import { lockedBy } from '../apps/lock.ts'
import { appQueue } from '../apps/queue.ts'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Release } from '../model/release.ts'
import { type DeployContext } from './context.ts'
import { alsoToLog, keepInLog } from './log-events.ts'
import { stageClock } from './stage-clock.ts'

/**
 * Runs a change of what runs when the app's turn comes; meanwhile the caller hears who is ahead. What the task
 * reports by the context that it is given is also kept in the app's log.
 */
export function takeTurn<T>(
  app: App,
  verb: string,
  context: DeployContext,
  task: (current: App, turn: DeployContext) => Promise<T>,
): Promise<T> {
  const { platform, actor, signal, report } = context
  const onWait = (ahead: { owner: string; verb: string; since: Date }) =>
    report({ type: 'queue:waiting', ...ahead })
  return appQueue(platform, app, { owner: actor, verb, signal, onWait }, async (current) => {
    if (current.lock !== undefined) throw lockedBy(current.name, current.lock)
    const clock = stageClock(() => performance.now())
    const log = alsoToLog(context, current)
    const turn: DeployContext = {
      ...context,
      stageTimes: clock.times,
      report: (event) => {
        clock.hear(event)
        log(event)
      },
    }
    try {
      return await task(current, turn)
    } catch (error) {
      keepInLog(context, current, 'deploy', `${verb} of ${actor} failed: ${messageOf(error)}`)
      throw error
    }
  })
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

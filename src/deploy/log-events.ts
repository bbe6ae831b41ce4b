import { messageOf } from '../errors/paas-error.ts'
import { paasLine } from '../logs/line.ts'
import { type App } from '../model/app.ts'
import { type Report } from '../model/deploy-event.ts'
import { type DeployContext } from './context.ts'
import { renderEvent } from './render.ts'

/** Reports to whoever asked, and keeps the same lines in the app's log. */
export function alsoToLog(context: DeployContext, app: App): Report {
  return (event) => {
    context.report(event)
    // The lines of the release task are collected from its container.
    if (event.type === 'release-task:line') return
    keepInLog(context, app, event.type === 'build:line' ? 'build' : 'deploy', renderEvent(event))
  }
}

/** Keeps text about an app in its log. A deploy does not wait for that, and does not fail with it either. */
export function keepInLog(
  { platform }: Pick<DeployContext, 'platform'>,
  app: App,
  process: string,
  text: string,
): void {
  const now = platform.now()
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^(?:-----> |=====> | !     |       )/, ''))
    .filter((line) => line !== '')
    .map((line) => paasLine(now, process, line))
  if (lines.length === 0) return
  platform.logs.write(app.id, lines).catch((error: unknown) => {
    platform.log.warn({ app: app.name, reason: messageOf(error) }, 'the log could not be written')
  })
}

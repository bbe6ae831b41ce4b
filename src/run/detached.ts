import { type Platform } from '../apps/platform.ts'
import { paasLine } from '../logs/line.ts'
import { type ContainerSpec } from '../schedulers/scheduler.ts'
import { whileItRuns } from './in-background.ts'

/**
 * Starts a one-off that nobody waits for; resolves to its name, `run.4821`, once it runs. How it ended is written
 * to the app's log. Should we end before it does, reconcile removes it.
 */
export async function startDetached(platform: Platform, spec: ContainerSpec): Promise<string> {
  const { scheduler, logs, now } = platform
  const container = await scheduler.start(spec)
  const name = `${spec.slot.type}.${spec.slot.index}`
  const exit = scheduler.wait(container.id)
  exit.catch(() => undefined)
  whileItRuns(platform, `wait for ${container.name}`, async () => {
    const { code, oomKilled } = await exit
    const why = oomKilled ? ', out of memory' : ''
    await logs.write(spec.app.id, [paasLine(now(), 'run', `${name} exited with code ${code}${why}`)])
    await scheduler.remove(container.id, 1)
  })
  return name
}

import { PaasError } from '../errors/paas-error.ts'
import { type Holder } from '../lib/queues.ts'
import { type App } from '../model/app.ts'
import { type Platform } from './platform.ts'

/** Who asks for a change of an app. While it waits its turn, `signal` takes it back and `onWait` hears who is ahead. */
export type Asker = { owner: string; signal?: AbortSignal; onWait?: (ahead: Holder) => void }

/**
 * Runs a change of an app alone, in the order asked. The task gets the app as it is when its turn comes:
 * what was read before may be old by then, or the app gone.
 */
export function appQueue<T>(
  platform: Platform,
  app: Pick<App, 'id' | 'name'>,
  who: Asker & { verb: string },
  task: (current: App) => Promise<T>,
): Promise<T> {
  return platform.queues.run(app.id, who, async () => {
    const current = await platform.store.apps.get(app.id)
    if (current === undefined) {
      throw new PaasError('APP_NOT_FOUND', `The app ${app.name} has been destroyed meanwhile.`)
    }
    return task(current)
  })
}

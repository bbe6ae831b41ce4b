import { type App } from '../model/app.ts'
import { type Platform } from './platform.ts'
import { appQueue, type Asker } from './queue.ts'

/** Locks an app: nothing that runs of it is changed until it is unlocked. An undefined reason unlocks it. */
export function setLock(
  platform: Platform,
  app: App,
  reason: string | undefined,
  asker: Asker,
): Promise<App> {
  const verb = reason === undefined ? 'apps:unlock' : 'apps:lock'
  return appQueue(platform, app, { ...asker, verb }, async (current) => {
    const changed = { ...current }
    if (reason === undefined) delete changed.lock
    else changed.lock = { reason, by: asker.owner, at: platform.now().toISOString() }
    await platform.store.apps.save(changed)
    return changed
  })
}

import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Platform } from './platform.ts'
import { appQueue, type Asker } from './queue.ts'

/**
 * Locks an app: nothing that runs of it is changed until it is unlocked. An undefined reason unlocks it. Throws
 * APP_LOCKED where somebody else has locked it: their reason must not be lost.
 */
export function setLock(
  platform: Platform,
  app: App,
  reason: string | undefined,
  asker: Asker,
): Promise<App> {
  const verb = reason === undefined ? 'apps:unlock' : 'apps:lock'
  return appQueue(platform, app, { ...asker, verb }, async (current) => {
    const changed = { ...current }
    const { lock } = current
    if (reason === undefined) delete changed.lock
    else if (lock !== undefined && lock.by !== asker.owner) throw lockedBy(app.name, lock)
    else changed.lock = { reason, by: asker.owner, at: platform.now().toISOString() }
    await platform.store.apps.save(changed)
    return changed
  })
}

/** What whoever would change a locked app is told. */
export function lockedBy(app: string, { by, reason }: NonNullable<App['lock']>): PaasError {
  return new PaasError('APP_LOCKED', `${app} was locked by ${by}: ${reason}`, {
    hint: `Nothing that runs is changed until somebody unlocks it: paas apps:unlock -a ${app}`,
  })
}

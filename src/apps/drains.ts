import { PaasError } from '../errors/paas-error.ts'
import { randomId } from '../lib/ids.ts'
import { type App, type Drain } from '../model/app.ts'
import { type Platform } from './platform.ts'
import { appQueue, type Asker } from './queue.ts'

const mostDrains = 10

const sealName = (id: string): string => `drain:${id}`

/** The URL of a drain, with its password. */
export const drainUrl = (
  { store }: Pick<Platform, 'store'>,
  app: Pick<App, 'id'>,
  { id, url }: Pick<Drain, 'id' | 'url'>,
): string => store.secrets.open(app.id, sealName(id), url)

/** Sends an app's log lines to one more place from now on; the URL has been checked. */
export function addDrain(platform: Platform, app: App, url: string, asker: Asker): Promise<Drain> {
  return appQueue(platform, app, { ...asker, verb: 'drains:add' }, async (current) => {
    const drains = current.drains ?? []
    if (drains.some((drain) => drainUrl(platform, current, drain) === url)) {
      throw new PaasError('INVALID_INPUT', `${current.name} has this drain already.`, {
        hint: `paas drains -a ${current.name}`,
      })
    }
    if (drains.length >= mostDrains) {
      throw new PaasError('INVALID_INPUT', `An app has at most ${mostDrains} drains.`)
    }
    const id = randomId('d')
    const sealed = platform.store.secrets.seal(current.id, sealName(id), url)
    const drain: Drain = { id, url: sealed, createdAt: platform.now().toISOString() }
    await platform.store.apps.save({ ...current, drains: [...drains, drain] })
    return drain
  })
}

/** Forgets a drain, by its id or URL. Throws NOT_FOUND. */
export function removeDrain(platform: Platform, app: App, which: string, asker: Asker): Promise<Drain> {
  return appQueue(platform, app, { ...asker, verb: 'drains:remove' }, async (current) => {
    const drains = current.drains ?? []
    const found = drains.find((drain) => drain.id === which || drainUrl(platform, current, drain) === which)
    if (found === undefined) {
      throw new PaasError('NOT_FOUND', `${current.name} has no such drain.`, {
        hint: `What there is: paas drains -a ${current.name}`,
      })
    }
    await platform.store.apps.save({ ...current, drains: drains.filter((drain) => drain !== found) })
    return found
  })
}

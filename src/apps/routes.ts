import { isDeepStrictEqual } from 'node:util'
import { PaasError } from '../errors/paas-error.ts'
import { backendAddress } from '../model/backend-address.ts'
import { type Route, RouteHost } from '../model/route.ts'
import { hostOwner, refuseTakenHost } from './host-owner.ts'
import { hostsOf } from './hosts.ts'
import { type Platform } from './platform.ts'

/** A route and whose it is. */
export type OwnedRoute = Route & { app: string | null }

/** Every route of the table, those of apps and those added by hand, sorted by host. */
export async function listRoutes({ store, instance }: Platform): Promise<OwnedRoute[]> {
  const owners = new Map(
    (await store.apps.list()).flatMap((app) => hostsOf(app, instance.domain).map((host) => [host, app.name])),
  )
  return (await store.routes.all()).map((route) => ({ ...route, app: owners.get(route.host) ?? null }))
}

/**
 * Adds backends to the route of a host that is no app's, and the route where there is none. Resolves when the router
 * goes by it. Throws DOMAIN_TAKEN, and INVALID_INPUT for an identifier that is an app's name.
 */
export async function addRoute(
  platform: Platform,
  wanted: { host: string; identifier: string | undefined; backends: string[] },
  actor: string,
): Promise<Route> {
  const { host, identifier } = wanted
  return platform.queues.run('names', { owner: actor, verb: 'routes:add' }, async () => {
    const owner = await hostOwner(platform, host)
    if (owner?.app !== undefined) await refuseTakenHost(platform, host)
    if (
      identifier !== undefined &&
      (await platform.store.apps.list()).some(({ name }) => name === identifier)
    ) {
      throw new PaasError(
        'INVALID_INPUT',
        `${identifier} is an app, and its logs have what it is named for.`,
        {
          hint: 'Give another --identifier, or none.',
        },
      )
    }
    const { keys, route: before } = await standing(platform, host)
    const added = wanted.backends.filter((one, i, all) => all.findIndex((other) => isSame(one, other)) === i)
    const route = {
      host,
      identifier: identifier ?? before?.identifier ?? host,
      backends: merged([before?.backends ?? [], added]),
    }
    await apply(platform, { set: [route], remove: keys.filter((key) => key !== host) })
    return route
  })
}

/**
 * Takes backends out of a route that is no app's; all of them, or none named, and the route is gone, with the settings of
 * its host. Throws NOT_FOUND, and DOMAIN_TAKEN for an app's.
 */
export async function removeRoute(
  platform: Platform,
  { host: named, backends }: { host: string; backends: string[] },
  actor: string,
): Promise<Route> {
  const { routes } = platform.store
  return platform.queues.run('names', { owner: actor, verb: 'routes:remove' }, async () => {
    // Other programs may have written a host in a spelling that is not ours.
    const spelled = (await routes.get(named)) !== undefined
    const ours = RouteHost.safeParse(named).data ?? named
    const host = spelled ? named : ours
    const owner = await hostOwner(platform, host)
    if (owner?.app !== undefined) await refuseTakenHost(platform, host)
    const { keys, route: before } = await standing(platform, host)
    if (before === undefined) throw notThere(`${host} has no route.`)
    const missing = backends.find((backend) => !before.backends.includes(backend))
    if (missing !== undefined) throw notThere(`${missing} is not a backend of ${host}.`)
    const kept = backends.length === 0 ? [] : before.backends.filter((one) => !backends.includes(one))
    const route = { ...before, backends: kept }
    if (kept.length > 0) {
      // The router reads them again with the route.
      await routes.keepWeights(
        host,
        before.backends.flatMap((one, i) => (kept.includes(one) ? [i] : [])),
      )
      await apply(platform, { set: [route], remove: keys.filter((key) => key !== host) })
      return route
    }
    await apply(platform, { set: [], remove: keys })
    // Whoever has the host next is not to be weighed or checked as this one was.
    const isFree = (await standing(platform, ours)).route === undefined
    await routes.forgetSettings(isFree ? [...keys, ours] : keys)
    return route
  })
}

/** The route of a host, and the keys that it is made of: other programs' spellings serve until there is one in ours. */
async function standing(
  { store: { routes } }: Platform,
  host: string,
): Promise<{ keys: string[]; route: Route | undefined }> {
  const own = await routes.get(host)
  if (own !== undefined) return { keys: [host], route: own }
  const keys = await routes.spellings(host)
  const spelt = (await Promise.all(keys.map((key) => routes.get(key)))).filter((one) => one !== undefined)
  const [first] = spelt
  if (first === undefined) return { keys, route: undefined }
  return { keys, route: { ...first, host, backends: merged(spelt.map((one) => one.backends)) } }
}

/** A backend that is listed twice gets a double share, and weights go by position: what is there stays as it is. */
function merged(lists: string[][]): string[] {
  return lists.reduce((there, more) => [
    ...there,
    ...more.filter((one) => !there.some((other) => isSame(one, other))),
  ])
}

/** Whether two backends are one to the router, however they are written. */
function isSame(one: string, other: string): boolean {
  return one === other || isDeepStrictEqual(backendAddress(one) ?? one, backendAddress(other) ?? other)
}

async function apply({ store }: Platform, changes: { set: Route[]; remove: string[] }): Promise<void> {
  await store.routes.awaitApplied(await store.routes.set(changes))
}

function notThere(message: string): PaasError {
  return new PaasError('NOT_FOUND', message, { hint: 'paas routes:list' })
}

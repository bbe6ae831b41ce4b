import { PaasError } from '../errors/paas-error.ts'
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
 * goes by it. Throws DOMAIN_TAKEN.
 */
export async function addRoute(
  platform: Platform,
  wanted: { host: string; identifier: string | undefined; backends: string[] },
  actor: string,
): Promise<Route> {
  const { host } = wanted
  return platform.queues.run('names', { owner: actor, verb: 'routes:add' }, async () => {
    const owner = await hostOwner(platform, host)
    if (owner?.app !== undefined) await refuseTakenHost(platform, host)
    const { routes } = platform.store
    const own = await routes.get(host)
    // What other programs have spelt otherwise serves the host until there is a key in our spelling.
    const spelt = own === undefined ? await routes.spellings(host) : []
    const before = own === undefined ? await Promise.all(spelt.map((other) => routes.get(other))) : [own]
    const lists = [...before.map((one) => one?.backends ?? []), [...new Set(wanted.backends)]]
    const route = {
      host,
      identifier: wanted.identifier ?? before[0]?.identifier ?? host,
      // A backend that is listed twice gets a double share, and weights go by position.
      backends: lists.reduce((there, more) => [...there, ...more.filter((one) => !there.includes(one))]),
    }
    await apply(platform, { set: [route], remove: spelt })
    return route
  })
}

/**
 * Takes backends out of a route that is no app's; all of them, or none named, and the route is gone. Throws NOT_FOUND,
 * and DOMAIN_TAKEN for an app's.
 */
export async function removeRoute(
  platform: Platform,
  { host: named, backends }: { host: string; backends: string[] },
  actor: string,
): Promise<Route> {
  return platform.queues.run('names', { owner: actor, verb: 'routes:remove' }, async () => {
    // Other programs may have written a host in a spelling that is not ours.
    const spelled = (await platform.store.routes.get(named)) !== undefined
    const host = spelled ? named : (RouteHost.safeParse(named).data ?? named)
    const owner = await hostOwner(platform, host)
    if (owner?.app !== undefined) await refuseTakenHost(platform, host)
    const before = await platform.store.routes.get(host)
    if (before === undefined) throw notThere(`${host} has no route.`)
    const missing = backends.find((backend) => !before.backends.includes(backend))
    if (missing !== undefined) throw notThere(`${missing} is not a backend of ${host}.`)
    const kept = backends.length === 0 ? [] : before.backends.filter((one) => !backends.includes(one))
    const route = { ...before, backends: kept }
    await apply(platform, kept.length === 0 ? { set: [], remove: [host] } : { set: [route], remove: [] })
    return route
  })
}

async function apply({ store }: Platform, changes: { set: Route[]; remove: string[] }): Promise<void> {
  await store.routes.awaitApplied(await store.routes.set(changes))
}

function notThere(message: string): PaasError {
  return new PaasError('NOT_FOUND', message, { hint: 'paas routes:list' })
}

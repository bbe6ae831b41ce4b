import { type App } from '../model/app.ts'
import { hostsOf } from './hosts.ts'
import { type Platform } from './platform.ts'

/**
 * Stores an app whose name or domains change, together with its routes: what it serves now is served on the
 * hosts that it is to have, and on no other. Resolves when the router goes by it. Callers hold the app's queue.
 */
export async function moveHosts({ store, instance }: Platform, before: App, after: App): Promise<void> {
  const oldHosts = hostsOf(before, instance.domain)
  const newHosts = hostsOf(after, instance.domain)
  // Before its first release an app has no route, and none is made for it.
  const backends = (await store.routes.get(oldHosts[0]!))?.backends
  const version = await store.changeHosts({
    app: after,
    ...(before.name !== after.name && { oldName: before.name }),
    routes: {
      set: backends === undefined ? [] : newHosts.map((host) => ({ host, identifier: after.name, backends })),
      remove: oldHosts.filter((host) => !newHosts.includes(host)),
    },
  })
  await store.routes.awaitApplied(version)
}

import { hostsOf } from '../apps/hosts.ts'
import { type AppId } from '../model/names.ts'
import { type StateRecord } from '../store/dump.ts'
import { routeKeys } from '../store/routes.ts'
import { appsIn, listIn, stringIn } from './records.ts'

/**
 * Routes of apps follow from the apps, here perhaps under another domain. Where an app runs here, its route stays, or
 * comes back, with the backends that are its containers: requests go on being answered until reconcile sees to the
 * rest, and an address that has another owner by now is never used. Routes made by hand come from the backup. Pure.
 */
export function withRoutes(
  records: readonly StateRecord[],
  here: readonly StateRecord[],
  at: { then: string; here: string; running: Map<AppId, Set<string>> },
): StateRecord[] {
  const derived = new Set<string>()
  const served: StateRecord[] = []
  for (const app of appsIn(records)) {
    for (const host of hostsOf(app, at.then)) derived.add(routeKeys.frontend(host))
    for (const host of hostsOf(app, at.here)) {
      const key = routeKeys.frontend(host)
      derived.add(key)
      const [identifier, ...backends] = listIn(here, key) ?? listIn(records, key) ?? []
      const alive = backends.filter((url) => at.running.get(app.id)?.has(new URL(url).hostname) === true)
      if (identifier !== undefined && alive.length > 0)
        served.push({ key, type: 'list', value: [identifier, ...alive] })
    }
  }
  // Routers have seen this version of the table; a lower one would be taken for applied.
  const versions = [here, records].map((all) => Number(stringIn(all, routeKeys.version) ?? 0))
  return [
    ...records.filter(({ key }) => !derived.has(key) && key !== routeKeys.version),
    ...served,
    { key: routeKeys.version, type: 'string', value: String(Math.max(...versions)) },
  ]
}

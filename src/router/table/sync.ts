import { type FedHost, type RouteFeed } from '../../store/route-feed.ts'
import { parseRouteOptions } from './route-options.ts'
import { type RouteTable, TableRoute } from './route-table.ts'

export type Sync = ReturnType<typeof createSync>

/** Hosts read in one go: enough to be quick, few enough that a request does not wait behind them. */
const batch = 500

/**
 * Keeps the table what Redis says: everything at the start and after each new connection, single hosts when
 * they are announced, and everything again now and then, because messages can be lost. Nothing here is on a
 * request's path. While Redis is away, or has lost its data, the table stays as it is.
 */
export function createSync(
  feed: Pick<RouteFeed, 'version' | 'routes' | 'extras' | 'hosts'>,
  table: RouteTable,
  on: {
    /** The table is at `version`. */
    applied(version: number): void
    healthcheck(host: string, fields: Record<string, string>): void
    changed(): void
    problem(message: string): void
  },
) {
  let version = 0
  let loaded = false
  let fullWanted = false
  let running = false
  let lastFullMs = 0
  let fullAt = 0
  const dirty = new Set<string>()
  const checked = new Set<string>()
  /** The highest version announced, and how many announcements led there: a gap means a lost message. */
  let announced = 0
  let announcements = 0

  async function run(): Promise<void> {
    if (running) return
    running = true
    try {
      while (fullWanted || dirty.size > 0 || announced > version) {
        if (fullWanted || announced - version > announcements) await full()
        else await some()
      }
    } catch (error) {
      on.problem(`the routes could not be read: ${String(error)}`)
      fullWanted = true
    } finally {
      running = false
    }
  }

  async function full(): Promise<void> {
    const started = performance.now()
    fullWanted = false
    announced = announcements = 0
    dirty.clear()
    const current = await feed.version()
    if (current === 0 && version > 0 && table.size > 0) {
      // Hipache's own Redis never has a version; ours never loses it but with everything else.
      throw new Error('the version of the table is gone, so Redis has lost its data; the last table serves')
    }
    const reading = feed.extras()
    reading.catch(() => undefined)
    const seen = new Set<string>()
    let changes = 0
    for await (const page of feed.routes()) {
      for (const { host, list } of page) {
        if (list.length === 0) continue
        const key = host.toLowerCase()
        seen.add(key)
        if (sameList(table.get(key), list)) continue
        table.set(new TableRoute(key, list, table.get(key)?.options))
        changes += 1
      }
    }
    const extras = await reading
    for (const host of [...table.deadHosts(), ...checked]) extras.add(host)
    for (const route of table.routes()) {
      if (!seen.has(route.host)) {
        table.remove(route.host)
        changes += 1
      } else if (route.options !== undefined) extras.add(route.host)
    }
    await read([...extras])
    version = current
    loaded = true
    lastFullMs = performance.now() - started
    fullAt = performance.now()
    if (changes > 0) on.changed()
    on.applied(version)
  }

  async function some(): Promise<void> {
    const hosts = [...dirty]
    const target = announced
    dirty.clear()
    announcements = 0
    try {
      await read(hosts)
    } catch (error) {
      for (const host of hosts) dirty.add(host)
      throw error
    }
    on.changed()
    if (target > version) {
      version = target
      on.applied(version)
    }
  }

  async function read(hosts: string[]): Promise<void> {
    for (let i = 0; i < hosts.length; i += batch) {
      for (const fed of await feed.hosts(hosts.slice(i, i + batch))) apply(fed)
    }
  }

  function apply(fed: FedHost): void {
    const { list } = fed
    // Hosts are looked up in lower case, however their keys are spelt.
    const host = fed.host.toLowerCase()
    const options = parseRouteOptions(fed.options)
    if (list.length === 0) table.remove(host)
    else if (
      !sameList(table.get(host), list) ||
      options !== undefined ||
      table.get(host)?.options !== undefined
    ) {
      table.set(new TableRoute(host, list, options))
    }
    table.setDead(
      host,
      fed.dead.length === 0
        ? undefined
        : { indexes: new Set(fed.dead), until: performance.now() + fed.deadMs },
    )
    if (Object.keys(fed.healthcheck).length > 0) checked.add(host)
    else if (!checked.delete(host)) return
    on.healthcheck(host, fed.healthcheck)
  }

  return {
    get version(): number {
      return version
    },
    /** Whether Redis has been read once; before, the table is the snapshot. */
    get loaded(): boolean {
      return loaded
    },
    startFrom(snapshotVersion: number): void {
      version = snapshotVersion
    },
    wantFull(): void {
      fullWanted = true
      void run()
    },
    changed(hosts: string[], newVersion: number | undefined): void {
      if (!loaded) return
      for (const host of hosts) dirty.add(host)
      if (newVersion !== undefined) {
        announcements += 1
        announced = Math.max(announced, newVersion)
        // A version that goes back: Redis has lost data or was restored.
        if (newVersion <= version) fullWanted = true
      }
      void run()
    },
    /** Called now and then: reads again what failed, and everything once that costs little. */
    tick(now: number): void {
      const interval = Math.max(10_000, 50 * lastFullMs)
      if (fullWanted || dirty.size > 0 || (loaded && now - fullAt > interval)) {
        if (loaded && now - fullAt > interval) fullWanted = true
        void run()
      }
    },
  }
}

function sameList(route: TableRoute | undefined, list: readonly string[]): boolean {
  if (route === undefined || route.urls.length !== list.length - 1 || route.identifier !== list[0])
    return false
  for (let i = 0; i < route.urls.length; i += 1) if (route.urls[i] !== list[i + 1]) return false
  return true
}

import { isDeepStrictEqual } from 'node:util'
import { routingHost } from '../http/host.ts'
import { type FedHost, type RouteFeed } from '../../store/route-feed.ts'
import { parseRouteOptions } from './route-options.ts'
import { type RouteOptions, type RouteTable, TableRoute } from './route-table.ts'

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
  /** Of hosts with options that do not say. */
  balance: RouteOptions['balance'],
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
  /** How hosts are spelt in keys, where not in lower case, as they are looked up. */
  const spellings = new Map<string, Set<string>>()
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
    /** Hosts that need a closer look. */
    const special = new Set<string>()
    let changes = 0
    for await (const page of feed.routes()) {
      for (const { host, list } of page) {
        if (list?.length === 0) continue
        const key = lowered(host)
        seen.add(key)
        if (list === undefined || spellings.has(key)) special.add(key)
        else if (!sameList(table.get(key), list)) {
          table.set(new TableRoute(key, list, table.get(key)?.options))
          changes += 1
        }
      }
    }
    const extras = await reading
    for (const host of [...special, ...table.deadHosts(), ...checked]) extras.add(host)
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
    if (target > version) {
      version = target
      on.applied(version)
    }
  }

  async function read(hosts: string[]): Promise<void> {
    const keys = [...new Set(hosts.map(lowered))]
    for (let i = 0; i < keys.length; i += batch) {
      const some = keys.slice(i, i + batch)
      const spelt = some.map((key) => [key, ...(spellings.get(key) ?? [])])
      const fed = await feed.hosts(spelt.flat())
      let at = 0
      for (const [n, key] of some.entries()) apply(key, fed.slice(at, (at += spelt[n]!.length)))
    }
  }

  /** The host as it is looked up; how its key spells it is remembered. */
  function lowered(host: string): string {
    const key = (/^\[.*\]$/.test(host) ? routingHost(host) : undefined) ?? host.toLowerCase()
    if (key !== host) spellings.set(key, (spellings.get(key) ?? new Set()).add(host))
    return key
  }

  /** Takes in what all spellings of a host say; where they contradict each other, the first has it. */
  function apply(host: string, fed: FedHost[]): void {
    const list = fed.find((one) => one.list !== undefined && one.list.length > 0)?.list
    const options = parseRouteOptions(fed.find((one) => !isEmpty(one.options))?.options ?? {}, balance)
    const before = table.get(host)
    if (list !== undefined) {
      // A route that stays as it is keeps what is known about it.
      if (!sameList(before, list) || !isDeepStrictEqual(options, before?.options)) {
        table.set(new TableRoute(host, list, options))
        on.changed()
      }
    } else if (fed.every((one) => one.list !== undefined)) {
      table.remove(host)
      if (before !== undefined) on.changed()
    } else {
      // What was there before serves on: the key is a mistake, not a wish.
      on.problem(`the key of ${host} in Redis is no list`)
      if (before === undefined) table.set(new TableRoute(host, undefined, options))
    }
    const dead = fed.filter((one) => one.dead.length > 0)
    table.setDead(host, {
      indexes: new Set(dead.flatMap((one) => one.dead)),
      until: performance.now() + Math.min(...dead.map((one) => one.deadMs)),
    })
    for (const one of fed) if (saysNothing(one)) spellings.get(host)?.delete(one.host)
    if (spellings.get(host)?.size === 0) spellings.delete(host)
    const check = fed.find((one) => !isEmpty(one.healthcheck))?.healthcheck
    if (check !== undefined) checked.add(host)
    else if (!checked.delete(host)) return
    on.healthcheck(host, check ?? {})
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
      for (const host of hosts) dirty.add(host)
      if (newVersion !== undefined) {
        announcements += 1
        announced = Math.max(announced, newVersion)
        // A version that goes back: Redis has lost data or was restored.
        if (newVersion <= version) fullWanted = true
      }
      // What changes during the first load is read again after it.
      if (loaded) void run()
    },
    /** Called now and then: reads again what failed, and everything once that costs little. */
    tick(now: number): void {
      const interval = Math.min(120_000, Math.max(10_000, 50 * lastFullMs))
      if (fullWanted || dirty.size > 0 || (loaded && now - fullAt > interval)) {
        if (loaded && now - fullAt > interval) fullWanted = true
        void run()
      }
    },
  }
}

const isEmpty = (fields: Record<string, string>): boolean => Object.keys(fields).length === 0

function saysNothing({ list, dead, options, healthcheck }: FedHost): boolean {
  return list?.length === 0 && dead.length === 0 && isEmpty(options) && isEmpty(healthcheck)
}

function sameList(route: TableRoute | undefined, list: readonly string[]): boolean {
  if (route?.readable !== true || route.urls.length !== list.length - 1 || route.identifier !== list[0])
    return false
  for (let i = 0; i < route.urls.length; i += 1) if (route.urls[i] !== list[i + 1]) return false
  return true
}

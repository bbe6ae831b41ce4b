import { isDeepStrictEqual } from 'node:util'
import { routingHost } from '../http/host.ts'
import { type FedHost, type RouteFeed } from '../../store/route-feed.ts'
import { parseRouteOptions } from './route-options.ts'
import { type RouteOptions, type RouteTable, TableRoute } from './route-table.ts'

export type Sync = ReturnType<typeof createSync>

/** Hosts read in one go: enough to be quick, few enough that neither a request nor a change waits behind them. */
const batch = 100

/**
 * Keeps the table what Redis says: everything at the start and after each new connection, single hosts when
 * they are announced, also while everything is read, and everything again now and then, because messages can be
 * lost. Nothing here is on a request's path. While Redis is away the table stays as it is; from one that has lost its
 * data only what it has is taken in, and nothing is removed for what it has not.
 */
export function createSync(
  /** Answers in the order it is asked; only `routes` reads ahead. */
  feed: Pick<RouteFeed, 'version' | 'routes' | 'hosts'>,
  table: RouteTable,
  /** Of hosts with options that do not say. */
  balance: RouteOptions['balance'],
  on: {
    /** The table is at `version`; 0: at none that can be told. */
    applied(version: number): void
    healthcheck(host: string, fields: Record<string, string>): void
    changed(): void
    problem(message: string): void
  },
) {
  /** Every change up to it is in the table. */
  let version = 0
  /** Redis has had a version, and so is not one for Hipache alone. */
  let versioned = false
  /** Redis has no version now, and so has lost whatever it had. */
  let lost = false
  /** Redis was set back, and has not been read from beginning to end since. */
  let setBack = false
  /** What Redis last said that its version is. */
  let redisVersion: number | undefined
  /** The version that was announced last. */
  let heard = 0
  let loaded = false
  let fullWanted = false
  let readingAll = false
  let readingChanges = false
  let lastFullMs = 0
  let fullAt = 0
  /** What was announced and has not been read: the hosts, and the versions that they make up. */
  const dirty = new Set<string>()
  const announced = new Set<number>()
  /** Versions whose hosts have been read, but not those of a version before them: its message is late, or lost. */
  const ahead = new Set<number>()
  /** While the pages of all routes come in: the hosts of which something newer is known than what a page may say. */
  let newer: Set<string> | undefined
  /** How hosts are spelt in keys, where not in lower case, as they are looked up. */
  const spellings = new Map<string, Set<string>>()
  const checked = new Set<string>()

  function run(): void {
    void readAll()
    void readChanges()
  }

  async function readAll(): Promise<void> {
    if (readingAll) return
    readingAll = true
    try {
      while (fullWanted || ahead.size > 0) await full()
    } catch (error) {
      failed(error)
    } finally {
      readingAll = false
    }
  }

  async function readChanges(): Promise<void> {
    if (readingChanges || !trusted()) return
    readingChanges = true
    try {
      // Messages that came together are taken together: one change is told of several times.
      await Promise.resolve()
      while (trusted() && (dirty.size > 0 || announced.size > 0)) await some()
    } catch (error) {
      failed(error)
    } finally {
      readingChanges = false
    }
    if (ahead.size > 0) void readAll()
  }

  /** Whether what is read now is not older than what is known. */
  function trusted(): boolean {
    return !fullWanted && (loaded || lost || newer !== undefined)
  }

  function failed(error: unknown): void {
    on.problem(`the routes could not be read: ${String(error)}`)
    fullWanted = true
  }

  async function full(): Promise<void> {
    const started = performance.now()
    ahead.clear()
    const current = await feed.version()
    fullWanted = false
    judge(current)
    // Of a Redis that was set back nothing is known until all of it has been read.
    if (current < version && !lost) {
      setBack = true
      version = 0
      on.applied(version)
    }
    const seen = new Set<string>()
    /** Hosts that need a closer look. */
    const special = new Set<string>()
    newer = new Set()
    try {
      void readChanges()
      for await (const page of feed.routes(special)) {
        for (const { host, list } of page) {
          if (list?.length === 0) continue
          const key = lowered(host)
          seen.add(key)
          if (list === undefined || spellings.has(key)) special.add(key)
          else if (!newer.has(key) && !sameList(table.get(key), list)) {
            table.set(new TableRoute(key, list, table.get(key)?.options))
            on.changed()
          }
        }
      }
    } finally {
      newer = undefined
    }
    for (const host of [...table.deadHosts(), ...checked]) special.add(host)
    for (const { host, options } of table.routes()) {
      // One that no page had may have come back since.
      if (!seen.has(host) || options !== undefined) special.add(host)
    }
    await read([...special])
    loaded ||= !lost
    setBack = false
    lastFullMs = performance.now() - started
    fullAt = performance.now()
    settle(Math.max(version, current))
    on.applied(version)
    void readChanges()
  }

  async function some(): Promise<void> {
    const hosts = [...dirty]
    const versions = [...announced]
    dirty.clear()
    announced.clear()
    // What fails is made good by reading everything, which follows.
    await read(hosts)
    for (const one of versions) ahead.add(one)
    if (setBack) return
    const before = version
    settle(version)
    if (loaded && version > before) on.applied(version)
  }

  /** Hipache's own Redis never has a version; ours never loses it but with everything else. */
  function judge(current: number): void {
    redisVersion = current
    const before = lost
    lost = current === 0 && versioned && table.size() > 0
    if (lost && !before) {
      on.problem(
        'the version of the table is gone, so Redis has lost its data; what it had serves on, besides what it has',
      )
    }
  }

  /** The table is at `reached`, and so at what follows without a gap. */
  function settle(reached: number): void {
    version = reached
    versioned ||= reached > 0
    while (ahead.has(version + 1)) version += 1
    for (const one of ahead) if (one <= version) ahead.delete(one)
  }

  async function read(hosts: string[]): Promise<void> {
    const keys = [...new Set(hosts.map(lowered))]
    for (let i = 0; i < keys.length; i += batch) {
      const some = keys.slice(i, i + batch)
      const spelt = some.map((key) => [key, ...(spellings.get(key) ?? [])])
      const [fed, current] = await Promise.all([
        feed.hosts(spelt.flat()),
        // After them, so that nothing is taken for gone that went with everything else.
        versioned ? feed.version() : undefined,
      ])
      if (current !== undefined) judge(current)
      let at = 0
      for (const [n, key] of some.entries()) {
        apply(key, fed.slice(at, (at += spelt[n]!.length)))
        newer?.add(key)
      }
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
    const before = table.get(host)
    const said = fed.find((one) => !isEmpty(one.options))?.options
    const odd = (name: string): void =>
      on.problem(`${name} of the options of ${host} is not understood: ${JSON.stringify(said?.[name])}`)
    const options = said === undefined && lost ? before?.options : parseRouteOptions(said ?? {}, balance, odd)
    if (list !== undefined) {
      // A route that stays as it is keeps what is known about it.
      if (!sameList(before, list) || !isDeepStrictEqual(options, before?.options)) {
        table.set(new TableRoute(host, list, options))
        on.changed()
      }
    } else if (fed.every((one) => one.list !== undefined)) {
      if (before !== undefined && !lost) {
        table.remove(host)
        on.changed()
      }
    } else {
      // What was there before serves on: the key is a mistake, not a wish.
      on.problem(`the key of ${host} in Redis is no list`)
      if (before === undefined) table.set(new TableRoute(host, undefined, options))
    }
    const dead = fed.filter((one) => one.dead.length > 0)
    if (dead.length > 0 || !lost) {
      table.setDead(host, {
        indexes: new Set(dead.flatMap((one) => one.dead)),
        until: performance.now() + Math.min(...dead.map((one) => one.deadMs)),
      })
    }
    for (const one of fed) if (saysNothing(one)) spellings.get(host)?.delete(one.host)
    if (spellings.get(host)?.size === 0) spellings.delete(host)
    const check = fed.find((one) => !isEmpty(one.healthcheck))?.healthcheck
    if (check !== undefined) checked.add(host)
    else if (lost || !checked.delete(host)) return
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
    /** Whether the table is what Redis says, or said last: of one that was set back, only once it has been read again. */
    get settled(): boolean {
      return loaded && (version > 0 || !versioned)
    },
    /** Whether everything is being read, of a Redis that has it. */
    get reading(): boolean {
      return readingAll && !lost
    },
    /** Whether Redis has another version than the table, or has not said. One that has lost its data has none. */
    get behind(): boolean {
      return redisVersion !== version && !lost
    },
    startFrom(snapshotVersion: number): void {
      version = snapshotVersion
      versioned = version > 0
    },
    /** Messages may have been missed. */
    wantFull(): void {
      heard = 0
      fullWanted = true
      run()
    },
    changed(hosts: string[], newVersion: number | undefined): void {
      for (const host of hosts) dirty.add(host)
      if (newVersion !== undefined) {
        // A version that goes back: Redis has lost data or was restored, and those before it are not its own.
        if (lost || newVersion <= Math.max(version, heard)) {
          announced.clear()
          fullWanted = true
        }
        announced.add(newVersion)
        heard = newVersion
      }
      if (loaded) void readAll()
      void readChanges()
    },
    /** Called now and then: reads again what failed, and everything at first and once that costs little. */
    tick(now: number): void {
      const interval = Math.min(120_000, Math.max(10_000, 50 * lastFullMs))
      if (!readingAll && ((!loaded && !lost) || now - fullAt > interval)) fullWanted = true
      run()
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

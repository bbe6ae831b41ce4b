import { randomBytes } from 'node:crypto'
import { type RouterWorker } from '../model/route.ts'
import { type RedisTarget } from '../store/redis-target.ts'
import { openRouteFeed } from '../store/route-feed.ts'
import { createDataPlane } from './data-plane.ts'
import { createHealthChecks } from './health/checks.ts'
import { type DeadMarks } from './health/own-marks.ts'
import { openListeners } from './listeners.ts'
import { type Logger } from './log.ts'
import { openAccessLog } from './observe/access-log.ts'
import {
  createStatsCounter,
  forgetMs,
  type Names,
  type StatsPart,
  type WorkerStats,
} from './observe/stats.ts'
import { type RouterSettings } from './settings.ts'
import { quickenStringMethods } from './string-methods.ts'
import { createSnapshotKeeper } from './table/keeper.ts'
import { readSnapshot } from './table/snapshot.ts'
import { createSync } from './table/sync.ts'

const tickMs = 500
const announceMs = 3000
const snapshotMs = 2000
const rewriteMs = 3_600_000
/** How long a start waits for Redis: without a snapshot, with one, and with one that a predecessor has kept until now. */
const firstLoadMs = { empty: 3000, snapshot: 1000, recent: 200 }
/** And at most, while Redis goes on answering: less than the master waits for a worker. */
const readingMs = 20_000
/** Idle client connections are left alone this long after a worker was told to go. */
const idleDrainMs = 5000

export type Worker = Awaited<ReturnType<typeof startWorker>>

/** What a worker is among its siblings. */
export type WorkerRole = {
  /** Its place; the worker at 0 writes the snapshot and runs the active checks. */
  slot: number
  /** The id of the worker whose place it takes after a crash. */
  replaces: string | undefined
  /** Signs the sticky cookies; the same in all workers and after restarts. */
  cookieKey: string
  /** Where the table is kept for those that come after it. */
  snapshot: string | undefined
  /** It takes the place of one that serves, and is of no use without the routes. */
  mustKnowRoutes: boolean
}

/** Starts serving; resolves once it listens. */
export async function startWorker(settings: RouterSettings, role: WorkerRole, log: Logger) {
  quickenStringMethods()
  const id = `${process.pid}-${randomBytes(6).toString('hex')}`
  const startedAt = new Date().toISOString()
  const stats = createStatsCounter()
  const accessLog =
    settings.accessLog === undefined
      ? undefined
      : openAccessLog(settings.accessLog, (message) => log.warnOnce(message))
  let snapshotRead: () => void = () => undefined
  const afterSnapshot = new Promise<void>((resolve) => (snapshotRead = resolve))
  const feed = openRouteFeed(
    settings.redis,
    {
      onConnected: () => {
        // Marks that have ended while Redis was away are there again before others read them.
        checks.renew()
        // What is older must not come after it.
        void afterSnapshot.then(() => sync.wantFull())
      },
      onChanged: (hosts, version) => sync.changed(hosts, version),
      onError: (message) => log.warnOnce(`Redis: ${message}`),
    },
    { mayConfigure: settings.redis.mayConfigure },
  )
  const marks: DeadMarks = {
    markDead: (mark) =>
      feed.markDead({ ...mark, ttlSeconds: settings.deadTtlSeconds }).catch((error: unknown) => {
        log.warnOnce(`a dead mark was not written: ${reasonOf(error)}`)
        return false
      }),
    unmarkDead: (host, index) => feed.unmarkDead(host, index),
    checkerLives: () => feed.checkerLives(),
  }
  /** Hosts with a health check, which the worker at 0 does for all of them. */
  const checked = new Set<string>()
  let snapshotWhole = false
  const routesKnown = (): boolean => sync.loaded || snapshotWhole
  const data = createDataPlane(settings, role.cookieKey, marks, (host) => checked.has(host), {
    finished: (finished) => {
      stats.count(finished)
      accessLog?.line(finished)
    },
    drained: () => announce(),
    routesKnown,
    staysDead: (host) => checked.has(host) && (!feed.connected || sync.reading),
    report: (message) => log.info(message),
  })
  const { table, backends, plane, lookup } = data
  const checks = createHealthChecks(
    table,
    marks,
    { ...settings, lookup },
    {
      report: (message) => log.info(message),
      warn: (message) => log.warn(message),
    },
  )

  const source = sourceOf(settings.redis.read)
  const { snapshot } = role
  const keeper =
    snapshot === undefined
      ? undefined
      : createSnapshotKeeper(
          table,
          { path: snapshot, source },
          () => ({ version: sync.version, settled: sync.settled, connected: feed.connected }),
          (message) => log.warnOnce(message),
        )
  /** Not before `keepSnapshot`, nor once a successor does it. */
  let keeps = false
  const save = (): void => {
    if (keeps) void keeper?.save()
  }

  let appliedOnce: () => void = () => undefined
  const firstLoad = new Promise<void>((resolve) => (appliedOnce = resolve))
  const sync = createSync(feed, table, settings.balance, {
    applied: () => {
      if (sync.loaded) appliedOnce()
      announce()
    },
    healthcheck: (host, fields) => {
      if (Object.keys(fields).length > 0) checked.add(host)
      else checked.delete(host)
      if (role.slot === 0) checks.set(host, fields)
    },
    changed: () => keeper?.changed(),
    problem: (message) => log.warnOnce(message),
  })

  function record(): RouterWorker {
    const draining: Record<string, number> = {}
    for (const backend of backends.values()) {
      if (backend.routes === 0 && backend.inFlight > 0) draining[backend.url] = backend.inFlight
    }
    return { id, pid: process.pid, startedAt, version: sync.version, draining }
  }

  function goneOf(names: Names): Names {
    if (!routesKnown()) return { hosts: [], backends: [] }
    return {
      hosts: names.hosts.filter((host) => table.get(host) === undefined),
      backends: [...table.withoutRoutes(names.backends)],
    }
  }

  /** Waits for the routes of Redis, or until it is better to serve without, or by the snapshot. */
  async function firstRoutes(): Promise<void> {
    const began = performance.now()
    while (!sync.loaded) {
      const waited = performance.now() - began
      const isComing = sync.reading || (feed.connected && waited < firstLoadMs.snapshot)
      // A snapshot tells by its version whether it is behind.
      const goesOn = isComing && waited < readingMs && (known === 'empty' || sync.behind)
      if (!goesOn && waited > firstLoadMs[known]) return
      await Promise.race([firstLoad, sleep(50)])
    }
  }

  /** Since what is gone was last forgotten. */
  let statsAsked = false

  let predecessor = role.replaces
  async function withdrawPredecessor(): Promise<void> {
    if (predecessor === undefined) return
    await feed.withdraw([predecessor])
    predecessor = undefined
  }

  let announcing = false
  let announceAgain = false
  let withdrawn = false
  /** One announcement at a time, and another after it when something changed meanwhile. */
  function announce(): void {
    announceAgain = announcing
    if (announcing || withdrawn) return
    announcing = true
    void feed
      .announce(record())
      .then(withdrawPredecessor)
      .catch(() => undefined)
      .then(() => {
        announcing = false
        if (announceAgain) announce()
      })
  }

  function tick(): void {
    if (feed.connected) sync.tick(performance.now())
  }

  const timers = [
    setInterval(() => void afterSnapshot.then(tick), tickMs),
    setInterval(announce, announceMs),
    setInterval(() => {
      // Who asks for them makes room, and is told of it.
      if (!statsAsked) stats.forget(goneOf(stats.names()))
      statsAsked = false
    }, forgetMs),
    setInterval(save, snapshotMs),
    // What nobody touches for days is tidied up in some places.
    setInterval(() => keeper?.changed(), rewriteMs),
  ]

  const stored = snapshot === undefined ? undefined : await readSnapshot(snapshot, source, table)
  if (stored?.whole === false) log.warn(`${snapshot ?? ''} is damaged: ${table.size()} routes could be read`)
  if (stored !== undefined) sync.startFrom(stored.version)
  snapshotWhole = stored?.whole === true
  snapshotRead()
  const known =
    stored === undefined ? 'empty' : snapshotWhole && role.replaces !== undefined ? 'recent' : 'snapshot'
  await firstRoutes()
  if (role.mustKnowRoutes && !routesKnown()) throw new Error('the routes cannot be read')
  const listeners = await openListeners(settings, plane)
  log.info(`worker ${id} serves ${table.size()} routes`)

  return {
    id,
    routesKnown,
    /** Resolves once the routes have been read from Redis. */
    loaded: firstLoad,
    /** From now on, as who this process is now, and at once: whoever takes over while Redis is away has nothing else. */
    keepSnapshot(): void {
      keeps = role.slot === 0
      keeper?.changed()
      save()
    },

    goneOf,

    reopenLogs(): void {
      accessLog?.reopen()
    },

    /** What it has counted: first in parts, each made when it is asked for, and then all else. */
    *stats(): Generator<StatsPart, WorkerStats> {
      statsAsked = true
      const gone = goneOf(stats.names())
      stats.forget(gone)
      const ejected: Record<string, string> = {}
      for (const backend of backends.values()) {
        if (backend.ejected !== undefined) ejected[backend.url] = backend.ejected
      }
      const hosts = new Map<string, { inFlight: number }>()
      let inFlight = 0
      for (const { route } of plane.clients) {
        if (route === undefined) continue
        inFlight += 1
        hosts.set(route.host, { inFlight: (hosts.get(route.host)?.inFlight ?? 0) + 1 })
      }
      // All backends are told of, those before their first answer, too.
      yield* stats.parts({ hosts, backends })
      return {
        startedAt,
        version: sync.version,
        routes: table.size(),
        clients: plane.clients.size(),
        rssBytes: process.memoryUsage.rss(),
        total: { ...stats.total, inFlight },
        hosts: {},
        backends: {},
        ejected,
        gone,
      }
    },

    /**
     * Takes no new connections and lets the present ones end: each after its response in progress, idle ones
     * after a while, because closing them at once could cross a request on its way; all of them at the limit. `isLast`:
     * nobody takes its place.
     */
    async drain(isLast: boolean): Promise<void> {
      plane.draining = true
      keeps &&= isLast
      listeners.close()
      checks.close()
      const started = performance.now()
      const waited = (): number => performance.now() - started
      while (plane.clients.size() + listeners.handshaking() > 0 && waited() < settings.drainMs) {
        await sleep(50)
        if (waited() > Math.min(idleDrainMs, settings.drainMs))
          for (const client of plane.clients) client.drain()
      }
      const unmarked = data.close()
      for (const timer of timers) clearInterval(timer)
      if (keeps) await keeper?.finish()
      withdrawn = true
      await Promise.race([Promise.allSettled([unmarked, feed.withdraw([id])]), sleep(500)])
      feed.close()
      // What was cut is told of only as it closes, which is after this turn of the event loop.
      await sleep(50)
      accessLog?.close()
    },
  }
}

/** Of a transaction that was discarded the reason is in what came before. */
function reasonOf(error: unknown): string {
  const [first] =
    error instanceof Error && 'previousErrors' in error ? (error.previousErrors as unknown[]) : []
  return String(first ?? error)
}

/** What tells one Redis, and one set of routes in it, from another. */
function sourceOf({ path, host, port, database, prefix }: RedisTarget): string {
  return `${path ?? `${host}:${port}`}/${database}#${prefix}`
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

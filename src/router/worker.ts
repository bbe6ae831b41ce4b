import { createHmac, randomBytes } from 'node:crypto'
import { type RouterWorker } from '../model/route.ts'
import { openRouteFeed } from '../store/route-feed.ts'
import { type Logger } from './log.ts'
import { ReadBuffers } from './forward/buffers.ts'
import { backendAddress } from './forward/backend-address.ts'
import { Backend } from './forward/backend.ts'
import { type Plane } from './forward/plane.ts'
import { RequestHead } from './http/request-head.ts'
import { ResponseHead } from './http/response-head.ts'
import { trustedPeers } from './client/proxy-protocol.ts'
import { createFaults } from './health/faults.ts'
import { type WorkerStats, createStatsCounter } from './observe/stats.ts'
import { openAccessLog } from './observe/access-log.ts'
import { openListeners } from './listeners.ts'
import { pages } from './pages.ts'
import { requestIds } from './request-id.ts'
import { type RouterSettings } from './settings.ts'
import { createRouteTable, type RouteOptions, type TableRoute } from './table/route-table.ts'
import { readSnapshot, writeSnapshot } from './table/snapshot.ts'
import { createSync } from './table/sync.ts'

const sweepMs = 500
const announceMs = 3000
const snapshotMs = 2000
/** How long a start waits for Redis when there is no snapshot. */
const firstLoadMs = 3000

export type Worker = Awaited<ReturnType<typeof startWorker>>

/** What a worker is among its siblings. */
export type WorkerRole = {
  /** Its place; the worker at 0 writes the snapshot and runs the active checks. */
  slot: number
  /** The id of the worker whose place it takes after a crash. */
  replaces: string | undefined
  /** Signs the sticky cookies; the same in all workers and after restarts. */
  cookieKey: string
}

/** Starts serving; resolves once it listens. */
export async function startWorker(settings: RouterSettings, role: WorkerRole, log: Logger) {
  const id = `${process.pid}-${randomBytes(6).toString('hex')}`
  const startedAt = new Date().toISOString()
  const buffers = new ReadBuffers()
  const responseHead = new ResponseHead()
  const backends = new Map<string, Backend>()
  const limits = {
    maxIdle: settings.maxIdlePerBackend,
    idleMs: 60_000,
    maxInFlight: settings.maxInFlight,
    maxQueue: settings.maxQueue,
  }

  const table = createRouteTable(
    (url) => {
      const known = backends.get(url)
      if (known !== undefined) return known
      const address = backendAddress(url)
      if (address === undefined) return undefined
      const backend = new Backend(url, address, limits, buffers, responseHead)
      backends.set(url, backend)
      return backend
    },
    (backend) => {
      backend.sweep(performance.now())
      if (backend.inFlight === 0) backends.delete(backend.url)
    },
  )

  const stats = createStatsCounter()
  const accessLog =
    settings.accessLog === undefined
      ? undefined
      : openAccessLog(settings.accessLog, (message) => log.warn(message))
  const feed = openRouteFeed(
    settings.redis,
    {
      onConnected: () => sync.wantFull(),
      onChanged: (hosts, version) => sync.changed(hosts, version),
      onError: (message) => log.warnOnce(`Redis: ${message}`),
    },
    { mayConfigure: settings.redis.mayConfigure },
  )
  const faults = createFaults(
    table,
    {
      markDead: (mark) => feed.markDead({ ...mark, ttlSeconds: settings.deadTtlSeconds }),
      unmarkDead: (host, index) => feed.unmarkDead(host, index),
      checkerLives: () => feed.checkerLives(),
    },
    settings,
    (message) => log.info(message),
  )

  let snapshotWanted = false
  let appliedOnce: () => void = () => undefined
  const firstLoad = new Promise<void>((resolve) => (appliedOnce = resolve))
  const sync = createSync(feed, table, {
    applied: () => {
      appliedOnce()
      announce()
    },
    healthcheck: () => undefined,
    changed: () => (snapshotWanted = true),
    problem: (message) => log.warnOnce(message),
  })

  function record(): RouterWorker {
    const draining: Record<string, number> = {}
    for (const backend of backends.values()) {
      if (backend.routes === 0 && backend.inFlight > 0) draining[backend.url] = backend.inFlight
    }
    return { id, pid: process.pid, startedAt, version: sync.version, draining }
  }

  let announcing = false
  let announceAgain = false
  function announce(): void {
    if (announcing) {
      announceAgain = true
      return
    }
    announcing = true
    feed
      .announce(record())
      .catch(() => undefined)
      .finally(() => {
        announcing = false
        if (!announceAgain) return
        announceAgain = false
        announce()
      })
  }

  const repeats = repeatBudget()
  const randomBalance: RouteOptions = {
    balance: 'random',
    weights: [],
    sticky: false,
    maxInFlight: undefined,
  }
  const debugs = trustedPeers([...settings.trustedProxies, '127.0.0.0/8', '::1/128'])
  const plane: Plane = {
    table,
    timeouts: settings.timeouts,
    buffers,
    requestHead: new RequestHead(),
    responseHead,
    retries: settings.retries,
    replayBytes: settings.replayBytes,
    trusts: trustedPeers(settings.trustedProxies),
    debugs,
    unknownHostStatus: () => (sync.loaded || table.size > 0 ? settings.unknownHostStatus : 503),
    page: pages(settings.staticDir),
    requestId: requestIds(),
    stickyToken: (host, url) =>
      createHmac('sha256', role.cookieKey).update(`${host}\0${url}`).digest('base64url').slice(0, 22),
    optionsFor: (route: TableRoute) =>
      route.options ?? (settings.balance === 'random' ? randomBalance : undefined),
    clock: performance.now(),
    draining: false,
    clients: new Set(),
    mayRepeat: () => repeats.spend(),
    onFailure: (...about) => faults.failed(...about),
    onResponse: (...about) => faults.responded(...about),
    onSlow: (route, host, _index, backend) => faults.slow(route, host, backend),
    onFinished: (finished) => {
      stats.count(finished)
      repeats.earn()
      accessLog?.line(finished)
    },
    onRetiredProgress: (backend) => {
      if (backend.inFlight > 0) return
      backends.delete(backend.url)
      announce()
    },
  }

  const timers = [
    setInterval(() => {
      const now = performance.now()
      plane.clock = now
      for (const client of plane.clients) client.sweep(now)
      for (const backend of backends.values()) backend.sweep(now)
      sync.tick(now)
    }, sweepMs),
    setInterval(announce, announceMs),
    setInterval(() => {
      stats.forget(
        (host) => table.get(host) !== undefined,
        (url) => backends.has(url),
      )
    }, 60_000),
  ]
  if (role.slot === 0 && settings.snapshot !== undefined) {
    timers.push(setInterval(() => void saveSnapshot(settings.snapshot!), snapshotMs))
  }

  let saving = false
  async function saveSnapshot(path: string): Promise<void> {
    if (!snapshotWanted || saving) return
    saving = true
    snapshotWanted = false
    await writeSnapshot(path, sync.version, table).catch((error: unknown) => {
      log.warnOnce(`the snapshot was not written: ${String(error)}`)
    })
    saving = false
  }

  if (role.replaces !== undefined) feed.withdraw([role.replaces]).catch(() => undefined)
  const snapshotVersion =
    settings.snapshot === undefined ? undefined : await readSnapshot(settings.snapshot, table)
  if (snapshotVersion !== undefined) sync.startFrom(snapshotVersion)
  await Promise.race([firstLoad, sleep(snapshotVersion === undefined ? firstLoadMs : 1000)])
  const listeners = await openListeners(settings, plane)
  log.info(`worker ${id} serves ${table.size} routes`)

  return {
    id,
    reopenLogs(): void {
      accessLog?.reopen()
    },

    stats(): WorkerStats {
      const counted = stats.read()
      const ejected: Record<string, string> = {}
      for (const backend of backends.values()) {
        const counters = counted.backends[backend.url]
        if (counters !== undefined) counters.inFlight = backend.inFlight
        if (backend.ejected !== undefined) ejected[backend.url] = backend.ejected
      }
      let inFlight = 0
      for (const backend of backends.values()) inFlight += backend.inFlight
      counted.total.inFlight = inFlight
      return {
        startedAt,
        version: sync.version,
        routes: table.size,
        clients: plane.clients.size,
        rssBytes: process.memoryUsage.rss(),
        ...counted,
        ejected,
      }
    },

    /**
     * Takes no new connections and lets the present ones end: each after its response in progress, idle ones
     * after a while, because closing them at once could cross a request on its way; all of them at the limit.
     */
    async drain(): Promise<void> {
      plane.draining = true
      listeners.close()
      const started = performance.now()
      const idleMs = Math.min(5000, settings.drainMs)
      while (plane.clients.size > 0 && performance.now() - started < settings.drainMs) {
        await sleep(50)
        if (performance.now() - started > idleMs) for (const client of plane.clients) client.drain()
      }
      for (const client of plane.clients) client.destroy()
      for (const timer of timers) clearInterval(timer)
      faults.close()
      accessLog?.close()
      await Promise.race([feed.withdraw([id]).catch(() => undefined), sleep(500)])
      feed.close()
    },
  }
}

/** Repeating requests must not multiply the load of a backend in trouble: one in five, after a first hundred. */
function repeatBudget() {
  const max = 100
  let tokens: number = max
  return {
    earn(): void {
      if (tokens < max) tokens += 0.2
    },
    spend(): boolean {
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

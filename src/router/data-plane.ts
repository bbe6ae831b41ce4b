import { createHmac } from 'node:crypto'
import { trustedPeers } from './client/proxy-protocol.ts'
import { backendAddress } from '../model/backend-address.ts'
import { Backend } from './forward/backend.ts'
import { Buffers } from './forward/buffers.ts'
import { openFilesLimit } from './forward/exhaustion.ts'
import { createLookup } from './forward/lookup.ts'
import { createMembers } from './forward/members.ts'
import { type Finished, type Plane, sweepMs } from './forward/plane.ts'
import { createSendQueues } from './forward/send-queues.ts'
import { createTurn } from './forward/turn.ts'
import { createFaults } from './health/faults.ts'
import { type DeadMarks } from './health/own-marks.ts'
import { RequestHead } from './http/request-head.ts'
import { ResponseHead } from './http/response-head.ts'
import { pages } from './pages.ts'
import { requestIds } from './request-id.ts'
import { type RouterSettings } from './settings.ts'
import { createRouteTable, type RouteOptions, type TableRoute } from './table/route-table.ts'

export type DataPlane = ReturnType<typeof createDataPlane>

/** Idle connections to backends are closed after this long, unless the backend asked for less. */
const idleConnectionMs = 60_000

/** What the data plane reports to the worker around it. */
export type PlaneEvents = {
  finished(finished: Finished): void
  /** The last request of a backend that is in no route now is done. */
  drained(): void
  /** Whether a host without a route has none for certain. */
  routesKnown(): boolean
  /** Whether what is dead of a host stays so beyond its time, as nobody can say it again. */
  staysDead(host: string): boolean
  report(message: string): void
}

/** Everything that serves traffic in one worker: table, backends, connections; nothing here knows Redis. */
export function createDataPlane(
  settings: RouterSettings,
  cookieKey: string,
  marks: DeadMarks,
  /** Whether a host has a health check of its own. */
  checked: (host: string) => boolean,
  on: PlaneEvents,
) {
  const lookup = createLookup()
  const shared = {
    buffers: new Buffers(),
    responseHead: new ResponseHead(),
    turn: createTurn(),
    lookup,
    // As HAProxy: clients, and backends nobody has asked yet, need the others.
    idle: { count: 0, most: Math.floor(openFilesLimit() / 4) },
  }
  const backends = new Map<string, Backend>()
  const limits = {
    maxIdle: settings.maxIdlePerBackend,
    idleMs: idleConnectionMs,
    maxInFlight: settings.maxInFlight,
    maxQueue: settings.maxQueue,
  }

  function backendFor(url: string): Backend | undefined {
    const known = backends.get(url)
    if (known !== undefined) return known
    const address = backendAddress(url)
    if (address === undefined) return undefined
    const backend = new Backend(url, address, limits, shared)
    backends.set(url, backend)
    return backend
  }

  function marked(backend: Backend): void {
    if (backend.queued > 0) backend.dissolveQueue((host) => !mayServe(backend, host))
  }

  function left(backend: Backend): void {
    marked(backend)
    faults.left(backend)
    if (backend.routes > 0) return
    backend.sweep(performance.now())
    if (backend.inFlight === 0 && backends.get(backend.url) === backend) backends.delete(backend.url)
  }

  const table = createRouteTable(backendFor, left, (host) => on.staysDead(host), marked)

  function mayServe(backend: Backend, host: string): boolean {
    const route = table.lookup(host)
    if (route === undefined) return false
    const dead = table.deadFor(route, host, performance.now())
    return table.backendsOf(route).some((one, index) => one === backend && dead?.has(index) !== true)
  }

  const faults = createFaults(table, marks, { ...settings, lookup }, checked, (message) => on.report(message))
  const repeats = repeatBudget()
  const byChance: RouteOptions = { balance: 'random', weights: [], sticky: false, maxInFlight: undefined }

  const plane: Plane = {
    table,
    timeouts: settings.timeouts,
    buffers: shared.buffers,
    turn: shared.turn,
    sendQueues: createSendQueues(),
    requestHead: new RequestHead(),
    retries: settings.retries,
    replayBytes: settings.replayBytes,
    trusts: trustedPeers(settings.trustedProxies),
    debugs: trustedPeers([...settings.trustedProxies, '127.0.0.0/8', '::1/128']),
    unknownHostStatus: settings.unknownHostStatus,
    routesKnown: () => on.routesKnown(),
    page: pages(settings),
    requestId: requestIds(),
    stickyToken: (host, url) =>
      createHmac('sha256', cookieKey).update(`${host}\0${url}`).digest('base64url').slice(0, 22),
    checked,
    optionsFor: (route: TableRoute) =>
      route.options ?? (settings.balance === 'random' ? byChance : undefined),
    clock: performance.now(),
    draining: false,
    clients: createMembers(),
    mayRepeat: () => repeats.spend(),
    onFailure: (...about) => faults.failed(...about),
    onResponse: (...about) => faults.responded(...about),
    onSlow: (...about) => faults.slow(...about),
    onFinished: (finished) => {
      repeats.earn()
      on.finished(finished)
    },
    onRetiredProgress: (backend) => {
      if (backend.inFlight > 0) return
      if (backends.get(backend.url) === backend) backends.delete(backend.url)
      on.drained()
    },
  }

  let stoodStill = false
  const timer = setInterval(() => {
    const now = performance.now()
    // What arrived while this process stood still is read only after its timers, and nobody was late but itself.
    stoodStill = !stoodStill && now - plane.clock > 2 * sweepMs
    plane.clock = now
    if (stoodStill) return
    for (const client of plane.clients) client.sweep(now)
    for (const backend of backends.values()) backend.sweep(now)
  }, sweepMs)

  return {
    plane,
    table,
    backends,
    lookup,
    /** Cuts all connections and stops all timers; resolves once no mark of its own is left. */
    close(): Promise<void> {
      for (const client of plane.clients) client.destroy()
      clearInterval(timer)
      return faults.close()
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

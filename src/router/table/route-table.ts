import { backendAddress } from '../../model/backend-address.ts'
import { type Backend } from '../forward/backend.ts'

/** How a host's backends share its traffic: HASH `paas:route:options:<host>`. */
export type RouteOptions = {
  balance: 'least' | 'random'
  /** By backend index; a missing one is 1. */
  weights: number[]
  sticky: boolean
  /** Requests at once per backend and worker; undefined: the router's own limit. */
  maxInFlight: number | undefined
}

/** One frontend list, as it was read. Its backends are looked up at its first request, not before. */
export class TableRoute {
  /** `www.example.com`, `*.example.com` or `*`. */
  readonly host: string
  readonly identifier: string
  readonly urls: readonly string[]
  readonly options: RouteOptions | undefined
  /** False: Redis has something else in the list's place. */
  readonly readable: boolean
  backends: readonly (Backend | undefined)[] | undefined
  /** What stands for each backend in a sticky cookie, once a visitor has needed it. */
  tokens: readonly string[] | undefined

  constructor(host: string, list: readonly string[] | undefined, options: RouteOptions | undefined) {
    this.host = host
    this.identifier = list?.[0] ?? ''
    this.urls = list?.slice(1) ?? []
    this.options = options
    this.readable = list !== undefined
  }
}

/** Whether a list has more than one backend: it may have one several times, to weigh more. */
export function hasOthers(urls: readonly string[]): boolean {
  return urls.some((url) => url !== urls[0])
}

/** The dead backend indexes of one requested host. */
export type DeadSet = {
  indexes: ReadonlySet<number>
  /** performance.now() at which the key expires; Infinity when it does not. */
  until: number
}

export type RouteTable = ReturnType<typeof createRouteTable>

/**
 * All routes, in memory. `backendFor` gives the one object of a backend URL; `left` is told of each backend that a
 * route has lost, `marked` of each that has been marked dead for a host. `staysDead`: whether what is dead of a host stays
 * so beyond its time.
 */
export function createRouteTable(
  backendFor: (url: string) => Backend | undefined,
  left: (backend: Backend) => void,
  staysDead: (host: string) => boolean = () => false,
  marked: (backend: Backend) => void = () => undefined,
) {
  const routes = new Map<string, TableRoute>()
  const dead = new Map<string, DeadSet>()
  /** How many routes are patterns, as most tables have none to look for. */
  let wildcards = 0

  function backendsOf(route: TableRoute): readonly (Backend | undefined)[] {
    if (route.backends === undefined) {
      route.backends = route.urls.map((url) =>
        backendAddress(url) === undefined ? undefined : backendFor(url),
      )
      for (const backend of route.backends) if (backend !== undefined) backend.routes += 1
    }
    return route.backends
  }

  function release(route: TableRoute): void {
    for (const backend of route.backends ?? []) {
      if (backend === undefined) continue
      backend.routes -= 1
      left(backend)
    }
  }

  function deadOf(host: string, now: number): DeadSet | undefined {
    const set = dead.get(host)
    if (set === undefined) return undefined
    if (set.until > now || staysDead(host)) return set
    dead.delete(host)
    return undefined
  }

  return {
    // No getter: V8 makes a dictionary of an object that is written with one, and searches it at each use.
    size: (): number => routes.size,
    routes: (): IterableIterator<TableRoute> => routes.values(),
    get: (host: string): TableRoute | undefined => routes.get(host),

    /** The route of a requested host: itself, `*.` and its last labels, longest first, then `*` (Hipache's order). */
    lookup(host: string): TableRoute | undefined {
      const exact = routes.get(host)
      if (exact !== undefined || wildcards === 0) return exact
      for (const key of wildcardsOf(host)) {
        const route = routes.get(key)
        if (route !== undefined) return route
      }
      return undefined
    },

    backendsOf,

    /** Puts a route in the place of the one of the same host. */
    set(route: TableRoute): void {
      const before = routes.get(route.host)
      // A host that a wildcard has served until now is lost to its backends.
      const served = before === undefined && wildcards > 0 ? this.lookup(route.host)?.backends : undefined
      if (before === undefined && isWildcard(route.host)) wildcards += 1
      routes.set(route.host, route)
      for (const backend of served ?? []) if (backend !== undefined) left(backend)
      if (before?.backends === undefined) return
      // Counted before the old one is released, so that a backend in both is never retired.
      backendsOf(route)
      release(before)
    },

    remove(host: string): void {
      const before = routes.get(host)
      if (before === undefined) return
      routes.delete(host)
      if (isWildcard(host)) wildcards -= 1
      release(before)
    },

    /** Which of these backends are in no route. */
    withoutRoutes(urls: Iterable<string>): Set<string> {
      const left = new Set(urls)
      for (const route of routes.values()) {
        if (left.size === 0) break
        for (const url of route.urls) left.delete(url)
      }
      return left
    },

    setDead(host: string, set: DeadSet | undefined): void {
      dead.delete(host)
      if (set === undefined || set.indexes.size === 0) return
      dead.set(host, set)
      const all = this.lookup(host)?.backends ?? []
      for (const index of set.indexes) if (all[index] !== undefined) marked(all[index])
    },
    deadHosts: (): string[] => [...dead.keys()],
    deadOf,

    /** The backends of a route that are out for a requested host: for itself, or by a check of the route's wildcard. */
    deadFor(route: TableRoute, host: string, now: number): ReadonlySet<number> | undefined {
      if (dead.size === 0) return undefined
      const own = deadOf(host, now)?.indexes
      if (route.host === host) return own
      const all = deadOf(route.host, now)?.indexes
      return own === undefined || all === undefined ? (own ?? all) : new Set([...own, ...all])
    },
  }
}

function isWildcard(host: string): boolean {
  return host.startsWith('*')
}

/** The wildcard keys that may serve a host, in order: at most five labels deep, as Hipache. */
export function wildcardsOf(host: string): string[] {
  const labels = host.split('.').slice(-6)
  const keys: string[] = []
  for (let i = 1; i < labels.length; i += 1) keys.push(`*.${labels.slice(i).join('.')}`)
  keys.push('*')
  return keys
}

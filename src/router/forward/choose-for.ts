import { type RouteOptions, type TableRoute } from '../table/route-table.ts'
import { chooseBackend, lastResort, noBackend } from './choose.ts'
import { type Plane } from './plane.ts'
import { type Asked } from './report.ts'
import { stickyIndex } from './sticky.ts'

/** What a choice depends on besides the route. */
type Choosing = {
  readonly asked: Pick<Asked, 'host'>
  /** The values of the visitor's sticky cookie (sticky.ts), or ''. */
  readonly sticky: string
  /** Indexes of the backends that failed the request. */
  readonly tried: readonly number[]
}

/** So many backends without a place for a request are asked for one. */
export const mostMoves = 16

/** The index of a backend of a route: the visitor's own where it can serve, else by load; below 0: none (choose.ts). */
export function chooseFor(
  plane: Plane,
  route: TableRoute,
  options: RouteOptions | undefined,
  request: Choosing,
  now: number,
): number {
  const { host } = request.asked
  const dead = plane.table.deadFor(route, host, now)
  if (options?.sticky === true && request.sticky !== '') {
    const own = ownIndex(plane, route, dead, request)
    if (own !== -1) return own
  }
  const backends = plane.table.backendsOf(route)
  const index = chooseBackend(host, backends, options, dead, request.tried)
  if (index !== noBackend.ejected) return index
  // Marks of those that are out are of our own making, unless a health check has a say.
  const watched = plane.checked(host) || plane.checked(route.host)
  return lastResort(host, backends, options, watched ? dead : undefined, request.tried)
}

/** How many requests at once a host now allows a backend; undefined: as many as others. */
export function maxInFlightOf({ table, optionsFor }: Plane, host: string): number | undefined {
  const route = table.lookup(host)
  return route === undefined ? undefined : optionsFor(route)?.maxInFlight
}

/** The cookie for a visitor whom this backend serves; '' where it has that one, or is to stay with another backend. */
export function cookieFor(
  plane: Plane,
  route: TableRoute,
  index: number,
  { sticky, crowded }: { readonly sticky: string; readonly crowded: boolean },
): string {
  // That one only had no place.
  if (crowded) return ''
  const token = tokensOf(plane, route)[index]!
  return sticky.split(' ').includes(token) ? '' : token
}

/** Apart, because a function with closures makes room for what they share whenever it is called. */
function ownIndex(
  plane: Plane,
  route: TableRoute,
  dead: ReadonlySet<number> | undefined,
  { asked, sticky, tried }: Choosing,
): number {
  const usable = (index: number): boolean => dead?.has(index) !== true && !tried.includes(index)
  return stickyIndex(sticky, asked.host, plane.table.backendsOf(route), usable, tokensOf(plane, route))
}

/** Signing costs as much as all else about a request. */
function tokensOf(plane: Plane, route: TableRoute): readonly string[] {
  return (route.tokens ??= route.urls.map((url) => plane.stickyToken(route.host, url)))
}

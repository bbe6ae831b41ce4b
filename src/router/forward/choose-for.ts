import { type RouteOptions, type TableRoute } from '../table/route-table.ts'
import { type Backend } from './backend.ts'
import { chooseBackend } from './choose.ts'
import { type Plane } from './plane.ts'
import { stickyIndex } from './sticky.ts'

export type Chosen = {
  /** undefined: none can be had, and `index` says why (choose.ts). */
  backend: Backend | undefined
  index: number
  options: RouteOptions | undefined
  /** The sticky cookie to set, or ''. */
  cookie: string
}

/** Chooses a backend of a route for a requested host: the visitor's own where it can serve, else by load. */
export function chooseFor(
  plane: Plane,
  route: TableRoute,
  host: string,
  sticky: string,
  tried: readonly number[],
  now: number,
): Chosen {
  const backends = plane.table.backendsOf(route)
  const dead = plane.table.deadOf(host, now)
  const options = plane.optionsFor(route)
  if (options?.sticky !== true) {
    const index = chooseBackend(backends, options, dead, tried)
    return { backend: backends[index], index, options, cookie: '' }
  }
  const token = (url: string): string => plane.stickyToken(route.host, url)
  const usable = (i: number): boolean => dead?.has(i) !== true && !tried.includes(i)
  const own = stickyIndex(sticky, backends, usable, token)
  const index = own === -1 ? chooseBackend(backends, options, dead, tried) : own
  const backend = backends[index]
  return { backend, index, options, cookie: own !== -1 || backend === undefined ? '' : token(backend.url) }
}

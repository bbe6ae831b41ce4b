import { type Backend } from './backend.ts'
import { type RouteOptions } from '../table/route-table.ts'

/** Why no backend can be chosen; otherwise the index is >= 0. */
export const noBackend = { none: -1, invalid: -2, ejected: -3 } as const

/** More than any load: who would have to wait goes elsewhere. */
const fullLoad = 1e9

/**
 * Chooses a backend by its index: the least loaded for its weight, chance deciding between equals in proportion
 * to weight; or by chance alone; of those at their cap only when all are. Those in `tried` only when no other is left.
 */
export function chooseBackend(
  host: string,
  backends: readonly (Backend | undefined)[],
  options: RouteOptions | undefined,
  dead: ReadonlySet<number> | undefined,
  tried: readonly number[],
  random: () => number = Math.random,
): number {
  let best = -1
  let bestLoad = Infinity
  /** Weights of those that are as good as the best. */
  let tied = 0
  let retriable = -1
  let state: number = noBackend.none
  const byChance = options?.balance === 'random'
  for (let i = 0; i < backends.length; i += 1) {
    const backend = backends[i]
    if (dead?.has(i) === true) {
      if (backend?.ejectedFor(host) !== undefined) state = noBackend.ejected
      continue
    }
    if (backend === undefined) {
      if (state === noBackend.none) state = noBackend.invalid
      continue
    }
    const weight = options?.weights[i] ?? 1
    if (weight <= 0) continue
    if (backend.ejectedFor(host) !== undefined) {
      state = noBackend.ejected
      continue
    }
    if (tried.includes(i)) {
      retriable = i
      continue
    }
    let load = byChance ? 0 : backend.inFlight / weight
    if (backend.isFull(options?.maxInFlight)) load += fullLoad
    if (load < bestLoad) {
      best = i
      bestLoad = load
      tied = weight
    } else if (load === bestLoad) {
      tied += weight
      if (random() * tied < weight) best = i
    }
  }
  if (best !== -1) return best
  return retriable === -1 ? state : retriable
}

/**
 * Of those that are out, and of which nobody else would know that they are back: who closes or refuses does so quickly,
 * and may serve again by now; who hangs is given one request now and then. `dead`: those that somebody watches over.
 */
export function lastResort(
  host: string,
  backends: readonly (Backend | undefined)[],
  options: RouteOptions | undefined,
  dead: ReadonlySet<number> | undefined,
  tried: readonly number[],
): number {
  let best: number = noBackend.ejected
  let bestRank = 3 * fullLoad
  for (const [i, backend] of backends.entries()) {
    if (backend === undefined || dead?.has(i) === true || tried.includes(i)) continue
    if ((options?.weights[i] ?? 1) <= 0) continue
    const rank = rankOf(backend, host) * fullLoad + backend.inFlight
    if (rank >= bestRank) continue
    best = i
    bestRank = rank
  }
  return best
}

function rankOf(backend: Backend, host: string): number {
  const why = backend.ejectedFor(host)
  if (why === 'close') return 0
  if (why === 'refused') return 1
  return why === 'hang' && backend.mayTry(host) ? 2 : Infinity
}

import { type Backend } from './backend.ts'
import { type RouteOptions } from '../table/route-table.ts'

/** Why no backend can be chosen; otherwise the index is >= 0. */
export const noBackend = { none: -1, invalid: -2, ejected: -3 } as const

/**
 * Chooses a backend by its index: the least loaded for its weight, chance deciding between equals in proportion
 * to weight; or by chance alone. Those in `tried` only when no other is left, and then those that closed or
 * refused, which they do quickly.
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
  let refusing = -1
  let closing = -1
  let closingLoad = Infinity
  let state: number = noBackend.none
  const byChance = options?.balance === 'random'
  for (let i = 0; i < backends.length; i += 1) {
    if (dead?.has(i) === true) continue
    const backend = backends[i]
    if (backend === undefined) {
      if (state === noBackend.none) state = noBackend.invalid
      continue
    }
    const weight = options?.weights[i] ?? 1
    if (weight <= 0) continue
    const ejected = backend.ejectedFor(host)
    if (ejected !== undefined) {
      state = noBackend.ejected
      if (tried.includes(i)) continue
      if (ejected === 'refused') refusing = i
      else if (ejected === 'close' && backend.inFlight < closingLoad) {
        closing = i
        closingLoad = backend.inFlight
      }
      continue
    }
    if (tried.includes(i)) {
      retriable = i
      continue
    }
    const load = byChance ? 0 : backend.inFlight / weight
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
  if (retriable !== -1) return retriable
  if (closing !== -1) return closing
  return refusing === -1 ? state : refusing
}

import { never, sweepMs, type Timeouts } from '../forward/plane.ts'

/**
 * A client that has said all it has to say may still want its answer; or it is gone, and nobody does. Without a byte
 * of an answer for this long it counts as gone.
 */
const halfClosedMs = 1000

/** Where a client connection stands, in performance.now() times. */
export type ClientStanding = {
  /** Nothing that it sends is wanted any more. */
  closing: boolean
  /** Bytes wait for it to take them. */
  unsent: boolean
  /** When the current wait began. */
  since: number
  /** A head has begun and is not whole. */
  started: boolean
  /** When it half-closed. */
  endedAt: number
  /** The request in progress: 0 before its answer has begun, 101 once it is a tunnel, and when a byte last moved. */
  exchange: { readonly status: number; readonly progressAt: number; readonly congested: boolean } | undefined
}

/**
 * What a passed limit calls for: to close (`destroy`), to close so that the client cannot take what it has for the whole
 * (`abort`), or to say that it is too slow (`late`).
 */
export type ClientDue = 'destroy' | 'abort' | 'late'

/** Which limit a client connection has passed, if any. */
export function clientDueOf(at: ClientStanding, timeouts: Timeouts, now: number): ClientDue | undefined {
  const { unsent, exchange } = at
  // What is compared here was noted by a clock that is as old as the last sweep.
  const waited = now - at.since - sweepMs
  if (at.closing) {
    if (unsent) return timeouts.idle > 0 && waited > timeouts.idle ? 'abort' : undefined
    return waited > timeouts.linger ? 'destroy' : undefined
  }
  if (exchange?.status === 101) {
    // Where nothing can be read of it, nobody hears that it is gone.
    const unheard = unsent || exchange.congested || at.endedAt !== never
    const silent = now - Math.max(at.endedAt, exchange.progressAt) - sweepMs
    return unheard && timeouts.idle > 0 && silent > timeouts.idle ? 'abort' : undefined
  }
  if (exchange !== undefined) {
    if (at.endedAt === never || unsent) return undefined
    const silent = now - Math.max(at.endedAt, exchange.progressAt + sweepMs)
    if (silent <= halfClosedMs) return undefined
    return exchange.status === 0 ? 'destroy' : 'abort'
  }
  // Earlier answers, which come before whatever it asks next.
  if (unsent) return timeouts.idle > 0 && waited > timeouts.idle ? 'abort' : undefined
  if (at.started) return waited > timeouts.head ? 'late' : undefined
  return timeouts.keepAlive > 0 && waited > timeouts.keepAlive ? 'destroy' : undefined
}

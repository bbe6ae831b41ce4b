import { type Backend, type Waiting } from './backend.ts'

/** A request at a backend. */
export type Placed = Waiting & {
  backend: Backend | undefined
  /** It waits for its turn. */
  queued: boolean
  /** It counts among those that the backend works on. */
  hasTurn: boolean
}

/** Has its turn again, which nobody can refuse to what has begun. */
export function resumeTurn(at: Placed): void {
  if (!at.hasTurn) at.backend!.enterAgain()
  at.hasTurn = true
}

/** Others wait for it. */
export function giveTurn(at: Placed): void {
  if (at.hasTurn) at.backend!.leave()
  at.hasTurn = false
}

export function leaveBackend(at: Placed, backend: Backend): void {
  if (at.queued) backend.leaveQueue(at)
  at.queued = false
  giveTurn(at)
  backend.inFlight -= 1
}

import { type Backend, type Waiting } from './backend.ts'
import { never, type Plane } from './plane.ts'

/** A request at a backend. */
export type Placed = Waiting & {
  backend: Backend | undefined
  /** Since when it has waited for its turn, here or elsewhere; `never`: it does not. */
  readonly queuedSince: number
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

export function leaveBackend(
  at: Placed,
  backend: Backend,
  { onRetiredProgress }: Pick<Plane, 'onRetiredProgress'>,
): void {
  if (at.queuedSince !== never) backend.leaveQueue(at)
  giveTurn(at)
  backend.inFlight -= 1
  if (backend.routes === 0) onRetiredProgress(backend)
}

import { type Timeouts } from './plane.ts'

/** Without a byte from the backend for this long, it is worth asking whether it still lives. */
const slowMs = 5000

/** Where an exchange stands, in performance.now() times. */
export type Standing = {
  startedAt: number
  /** When the present attempt began. */
  attemptAt: number
  /** When a byte last moved. */
  progressAt: number
  queued: boolean
  connecting: boolean
  /** The response has begun. */
  answering: boolean
  requestDone: boolean
}

export type Due = 'nothing' | 'total' | 'queue' | 'connect' | 'firstByte' | 'slow' | 'stalled'

/** Which limit an exchange has passed. */
export function dueOf(at: Standing, timeouts: Timeouts, now: number): Due {
  const waited = now - at.progressAt
  const attempt = now - at.attemptAt
  if (timeouts.total > 0 && now - at.startedAt > timeouts.total) return 'total'
  if (at.queued) return attempt > timeouts.queue ? 'queue' : 'nothing'
  if (at.connecting) return attempt > timeouts.connect ? 'connect' : 'nothing'
  if (!at.answering && at.requestDone) {
    if (timeouts.firstByte > 0 && waited > timeouts.firstByte) return 'firstByte'
    return waited > slowMs ? 'slow' : 'nothing'
  }
  return timeouts.idle > 0 && waited > timeouts.idle ? 'stalled' : 'nothing'
}

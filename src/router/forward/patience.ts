import { type Failure } from './backend-connection.ts'
import { never, sweepMs, type Timeouts } from './plane.ts'

/** Without a byte from the backend for this long, it is worth asking whether it still lives. */
const slowMs = 5000

/** Who takes longer to ask, or to take the answer, is not who a backend is busy with. */
const slowClientMs = 1000

/** Where an exchange stands, in performance.now() times. */
export type Standing = Readonly<{
  startedAt: number
  /** When the present attempt began. */
  backendStartedAt: number
  /** When a byte last moved. */
  progressAt: number
  /** Since when it has waited for its turn; `never`: it does not. */
  queuedSince: number
  connecting: boolean
  /** 0 until the response has begun. */
  status: number
  requestDone: boolean
  /** The client sends its body only once the backend has said 100, which it has not. */
  awaitsContinue: boolean
  /** The client is not read, because the backend has stopped reading. */
  congested: boolean
}>

/**
 * What the passed limit calls for: to find out whether the backend lives (`suspect`), to tell the client that it is too
 * slow (`clientLate`) or that the queue is too long (`tooMany`), or to give the attempt up.
 */
export type Due = 'suspect' | 'clientLate' | 'tooMany' | Failure

/** Whether the client is what an exchange waits for; `untaken`: of the answer, the client has not taken what there is. */
export function waitsForClient(at: Standing, untaken: boolean, now: number): boolean {
  if (at.queuedSince !== never || now - at.backendStartedAt <= slowClientMs) return false
  return at.status === 0 ? !at.requestDone && !at.awaitsContinue && !at.congested : untaken
}

/** Which limit an exchange has passed, if any. */
export function dueOf(at: Standing, timeouts: Timeouts, now: number): Due | undefined {
  // Progress is noted by a clock that is as old as the last sweep.
  const waited = now - at.progressAt - sweepMs
  const attempt = now - at.backendStartedAt
  if (timeouts.total > 0 && now - at.startedAt > timeouts.total) return 'slow'
  if (at.queuedSince !== never) return now - at.queuedSince > timeouts.queue ? 'tooMany' : undefined
  if (at.connecting) return attempt > timeouts.connect ? 'connectTimeout' : undefined
  if (at.status === 0 && (at.requestDone || at.awaitsContinue)) {
    if (timeouts.firstByte > 0 && waited > timeouts.firstByte) return 'timeout'
    return waited > slowMs ? 'suspect' : undefined
  }
  if (timeouts.idle === 0 || waited <= timeouts.idle) return undefined
  if (at.status !== 0) return 'slow'
  return at.congested ? 'timeout' : 'clientLate'
}

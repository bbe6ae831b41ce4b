import { performance } from 'node:perf_hooks'
import { type Outbox } from './outbox.ts'

/** With no more requests than this in progress, each is written as soon as it can be. */
const few = 8
/** So many writes do not wait for more. */
const many = 64

type Flushable = Pick<Outbox, 'gathered' | 'flush'>

export type Turn = ReturnType<typeof createTurn>

/**
 * A turn of the event loop: everything that is ready is read one after another. With many requests in progress, what
 * they have to say is written at the turn's end: reads and writes each go faster in a row, and the peer that the first
 * write wakes finds the others too. The clock is read once for all of them.
 */
export function createTurn() {
  let requests = 0
  let waiting: Flushable[] = []
  /** Of the turn that is under way; 0: nothing has happened in it. */
  let startedAt = 0

  function flushAll(): void {
    const outs = waiting
    // What is put off meanwhile is not among those that are being written.
    waiting = []
    for (const out of outs) out.flush()
  }

  function end(): void {
    startedAt = 0
    flushAll()
  }

  /** With many requests in progress the time at which the turn began, otherwise the time (performance.now()). */
  function now(): number {
    if (startedAt !== 0) return startedAt
    const time = performance.now()
    if (requests > few) {
      startedAt = time
      setImmediate(end)
    }
    return time
  }

  return {
    now,
    /** A request begins. */
    enter(): void {
      requests += 1
    },
    /** A request ends, or becomes a tunnel. */
    leave(): void {
      requests -= 1
    },
    /** Flushes at the end of the turn; what must go out before is flushed as ever. */
    flush(out: Flushable): void {
      if (requests <= few) {
        out.flush()
        return
      }
      if (!out.gathered()) return
      if (waiting.push(out) === many) flushAll()
      else now()
    },
  }
}

/** With no more requests than this in progress, each is written as soon as it can be. */
const few = 8
/** So many writes do not wait for more. */
const many = 64

export type Turn = ReturnType<typeof createTurn>

/**
 * A turn of the event loop: everything that is ready is read one after another. With many requests in progress, what
 * they have to say is written at the turn's end: reads and writes each go faster in a row, and the peer that the first
 * write wakes finds the others too.
 */
export function createTurn() {
  let requests = 0
  const waiting: { flush(): void }[] = []

  function end(): void {
    for (const out of waiting) out.flush()
    waiting.length = 0
  }

  return {
    /** A request begins. */
    enter(): void {
      requests += 1
    },
    /** A request ends, or becomes a tunnel. */
    leave(): void {
      requests -= 1
    },
    /** Flushes at the end of the turn; what must go out before is flushed as ever. */
    flush(out: { flush(): void }): void {
      if (requests <= few) {
        out.flush()
        return
      }
      const writes = waiting.push(out)
      if (writes === many) end()
      else if (writes === 1) setImmediate(end)
    },
  }
}

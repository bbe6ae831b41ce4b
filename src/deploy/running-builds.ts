import { type PaasError } from '../errors/paas-error.ts'

export type RunningBuilds = ReturnType<typeof createRunningBuilds>

/** The builds that wait or run now. What is not here and says that it runs ended with an earlier controller. */
export function createRunningBuilds() {
  const cancels = new Map<string, AbortController>()
  const waiting: (() => void)[] = []
  let active = 0

  return {
    has: (id: string): boolean => cancels.has(id),

    /** Notes a build until `end` is called; `signal` aborts when it is cancelled. */
    begin(id: string): { signal: AbortSignal; end: () => void } {
      const cancel = new AbortController()
      cancels.set(id, cancel)
      return { signal: cancel.signal, end: () => cancels.delete(id) }
    },

    /** Cancels a build; false where it has ended. */
    cancel(id: string, reason: PaasError): boolean {
      cancels.get(id)?.abort(reason)
      return cancels.has(id)
    },

    /** Runs a task while at most `most` run, in the order of asking; an abort leaves the queue. */
    async inTurn<T>(
      most: number,
      { signal, onWait }: { signal: AbortSignal; onWait: () => Promise<void> },
      task: () => Promise<T>,
    ): Promise<T> {
      if (active >= most) await onWait()
      while (active >= most) {
        signal.throwIfAborted()
        const { promise, resolve } = Promise.withResolvers<void>()
        waiting.push(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
        await promise
      }
      signal.throwIfAborted()
      active++
      try {
        return await task()
      } finally {
        active--
        for (const wake of waiting.splice(0)) wake()
      }
    },
  }
}

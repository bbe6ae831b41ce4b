/** Who holds or waits for a queue. */
export type Holder = { owner: string; verb: string; since: Date }

type Place = { holder: Holder; done: Promise<void>; supersede?: AbortController }

export type Queues = ReturnType<typeof createQueues>

/**
 * One first-in-first-out queue per name. `run` waits for those ahead, then runs the task alone; `onWait` hears
 * who is ahead. An abort while waiting leaves the queue. One that `supersedes` takes the place of those that do so
 * too and still wait: they reject with the error that it gives.
 */
export function createQueues(now: () => Date) {
  const lines = new Map<string, Place[]>()

  return {
    /** The one that runs in this queue now. */
    current: (name: string): Holder | undefined => lines.get(name)?.[0]?.holder,

    async run<T>(
      name: string,
      who: {
        owner: string
        verb: string
        signal?: AbortSignal
        onWait?: (ahead: Holder) => void
        supersedes?: (by: Holder) => Error
      },
      task: () => Promise<T>,
    ): Promise<T> {
      const line = lines.get(name) ?? []
      lines.set(name, line)
      const ahead = line.at(-1)
      const { promise: done, resolve: leave } = Promise.withResolvers<void>()
      const holder = { owner: who.owner, verb: who.verb, since: now() }
      const given = new AbortController()
      const place = { holder, done, ...(who.supersedes && { supersede: given }) }
      if (who.supersedes !== undefined) {
        for (const waiting of line.slice(1)) waiting.supersede?.abort(who.supersedes(holder))
      }
      line.push(place)
      try {
        if (ahead !== undefined) {
          who.onWait?.(line[0]!.holder)
          const signals = [given.signal, ...(who.signal ? [who.signal] : [])]
          await orAborted(ahead.done, AbortSignal.any(signals))
        }
        who.signal?.throwIfAborted()
        return await task()
      } finally {
        // Whoever waits behind a place that was given up waits for what was ahead of it.
        const gone = () => {
          line.splice(line.indexOf(place), 1)
          if (line.length === 0 && lines.get(name) === line) lines.delete(name)
          leave()
        }
        if (ahead === undefined || line[0] === place) gone()
        else void ahead.done.then(gone)
      }
    },
  }
}

async function orAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Work that nobody waits for, but that should not be cut off and must not fail unheard. */
export function trackTasks(onError: (what: string, error: unknown) => void) {
  const running = new Set<Promise<void>>()
  return {
    run: (what: string, task: () => Promise<void>): void => {
      const done = task()
        .catch((error: unknown) => onError(what, error))
        .finally(() => running.delete(done))
      running.add(done)
    },

    /** Resolves when all of it is done, or after `limitMs`. */
    async settled(limitMs: number): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, limitMs)
      await Promise.race([Promise.all(running), promise])
      clearTimeout(timer)
    },
  }
}

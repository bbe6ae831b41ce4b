/** Work that nobody waits for, but that should not be cut off and must not fail unheard. */
export function trackTasks(onError: (what: string, error: unknown) => void) {
  const running = new Map<Promise<void>, string>()
  return {
    run: (what: string, task: () => Promise<void>): void => {
      const done = task()
        .catch((error: unknown) => onError(what, error))
        .finally(() => running.delete(done))
      running.set(done, what)
    },

    /** Resolves when all of it is done, or after `limitMs`; with what is not done. */
    async settled(limitMs: number): Promise<string[]> {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, limitMs)
      await Promise.race([Promise.all(running.keys()), promise])
      clearTimeout(timer)
      return [...running.values()]
    },
  }
}

/** How a slot that keeps failing is treated. Times in milliseconds of a monotonic clock. */
const firstDelay = 1_000
const longestDelay = 60_000
/** A container that ran this long has recovered: the next failure is a first one again. */
const recoveredAfter = 60_000
const mostFailures = 10

type Record = { failures: number; total: number; retryAt: number; trying: string | undefined }

export type Crashes = ReturnType<typeof createCrashes>

/**
 * Exponential back-off per slot of a release: 1, 2, 4 … 60 s. After ten failures in a row it is given up
 * until the next release or restart, which is another key.
 */
export function createCrashes(clock: () => number) {
  const records = new Map<string, Record>()

  function recordOf(slot: string): Record {
    const record = records.get(slot) ?? { failures: 0, total: 0, retryAt: 0, trying: undefined }
    records.set(slot, record)
    return record
  }

  return {
    /** A container is being started for the slot: whoever started it tells how it went. */
    trying: (slot: string, containerId: string): void => void (recordOf(slot).trying = containerId),

    /** True while nobody has told how the start of this container went, or it failed. */
    isTrying: (slot: string, containerId: string): boolean => records.get(slot)?.trying === containerId,

    /** The container has passed its checks; from now on its end is news. */
    proven: (slot: string): void => void (recordOf(slot).trying = undefined),

    /** Notes a failure; `ranMs` is how long the container was up. */
    failed(slot: string, ranMs: number): void {
      const record = recordOf(slot)
      if (ranMs >= recoveredAfter) record.failures = 0
      record.retryAt = clock() + Math.min(firstDelay * 2 ** record.failures, longestDelay)
      record.failures++
      record.total++
    },

    /** How often the slot has failed in all, and whether it is given up. */
    of(slot: string): { failures: number; givenUp: boolean } {
      const record = records.get(slot)
      return { failures: record?.total ?? 0, givenUp: (record?.failures ?? 0) >= mostFailures }
    },

    /** Milliseconds until the slot may be started again; 0: now; undefined: given up. */
    delay(slot: string): number | undefined {
      const record = records.get(slot)
      if (record === undefined) return 0
      if (record.failures >= mostFailures) return undefined
      return Math.max(0, record.retryAt - clock())
    },

    /** Forgets the slots whose key begins with this: an app was restarted, released or destroyed. */
    forget(prefix: string): void {
      for (const slot of [...records.keys()]) if (slot.startsWith(prefix)) records.delete(slot)
    },
  }
}

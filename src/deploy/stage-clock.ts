import { type DeployEvent } from '../model/deploy-event.ts'

export type StageClock = ReturnType<typeof stageClock>

/** Measures the stages of a deploy from its events. `clock` gives milliseconds. */
export function stageClock(clock: () => number) {
  const seconds = new Map<string, number>()
  let current: { stage: string; since: number } | undefined

  function close(now: number): void {
    if (current === undefined) return
    const spent = (seconds.get(current.stage) ?? 0) + (now - current.since) / 1000
    seconds.set(current.stage, Math.round(spent * 1000) / 1000)
    current.since = now
  }

  return {
    hear: (event: DeployEvent): void => {
      if (event.type !== 'stage:began') return
      const now = clock()
      close(now)
      current = { stage: event.stage, since: now }
    },
    /** Seconds by stage so far, the one that runs included. */
    times: (): Record<string, number> => {
      close(clock())
      return Object.fromEntries(seconds)
    },
  }
}

import { type CronEntry } from '../model/release.ts'
import { lastTime, timeAfter } from './schedule.ts'

/** Later than this is not late but missed: nothing ran here when it was due. Milliseconds. */
const lateLimit = 60_000
/** A clock that goes back by less is waited for, so that nothing runs twice; by more, it was wrong. Milliseconds. */
const correctionLimit = 60_000

/** What to do about an entry now. `seen`: times up to it have been dealt with. */
export type Due = { run: Date | undefined; seen: Date }

/**
 * Pure. Whether an entry is due at `now`, when everything up to `seen` has been dealt with. Of several times that
 * have passed only the newest counts; one that was missed counts where the entry makes up for it.
 */
export function dueRun(entry: CronEntry, seen: Date, now: Date): Due {
  const { schedule, timezone, missed } = entry
  if (seen.getTime() - now.getTime() > correctionLimit) return { run: undefined, seen: now }
  const first = timeAfter(schedule, timezone, seen)
  if (first === undefined || first > now) return { run: undefined, seen }
  const newest = lastTime(schedule, timezone, now) ?? first
  const isLate = now.getTime() - newest.getTime() > lateLimit
  return { run: isLate && missed === 'skip' ? undefined : newest, seen: now }
}

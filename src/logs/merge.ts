import { type LogLine, logTime } from './line.ts'

/** By so much lines of one ring may be out of order: some are taken late. More, and the clock was set back. */
const lateMs = 3_600_000

/**
 * Pure. The lines of several rings in one, by time. Lines of a ring that are later than those after them, or than now,
 * are of a clock that was set back since; they stay where they came, before them.
 */
export function merge(rings: readonly LogLine[][], now: Date): LogLine[] {
  return rings
    .flatMap((lines) => placed(lines, logTime(now)))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .map(({ line }) => line)
}

function placed(lines: readonly LogLine[], now: string): { at: string; line: LogLine }[] {
  let next = now
  return lines
    .toReversed()
    .map((line) => {
      const isAhead = line.time > next && Date.parse(line.time) - Date.parse(next) > lateMs
      if (!isAhead) next = line.time
      return { at: next, line }
    })
    .reverse()
}

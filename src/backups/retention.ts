import { PaasError } from '../errors/paas-error.ts'
import { type Keep } from '../model/service.ts'

const units = { d: 'days', w: 'weeks', m: 'months' } as const

/** `7d,4w,6m`: the newest backup of each of the last 7 days, 4 weeks and 6 months. Throws INVALID_INPUT. */
export function parseKeep(text: string): Keep {
  const keep: Keep = { days: 0, weeks: 0, months: 0 }
  for (const word of text.split(',')) {
    const match = /^(\d{1,3})([dwm])$/.exec(word.trim())
    if (match === null) throw invalid(word)
    keep[units[match[2] as keyof typeof units]] = Number(match[1])
  }
  if (keep.days + keep.weeks + keep.months === 0) throw invalid(text)
  return keep
}

function invalid(word: string): PaasError {
  return new PaasError(
    'INVALID_INPUT',
    `--keep: ${JSON.stringify(word)} is not a number of days, weeks or months.`,
    {
      hint: 'For example: --keep 7d,4w,6m',
    },
  )
}

export const keepText = ({ days, weeks, months }: Keep): string =>
  [
    [days, 'd'],
    [weeks, 'w'],
    [months, 'm'],
  ]
    .filter(([count]) => count !== 0)
    .map((pair) => pair.join(''))
    .join(',')

/**
 * Pure. Which of these times (ISO 8601, UTC) are kept: the newest of each period, of the newest periods there are.
 * What is later than `now` was made by a clock that was wrong: it stays, and takes nobody's place.
 */
export function kept(times: string[], keep: Keep, now: string): Set<string> {
  const newestFirst = times
    .filter((time) => time <= now)
    .sort()
    .reverse()
  const of = (count: number, period: (time: string) => string): string[] => {
    const seen = new Map<string, string>()
    for (const time of newestFirst) if (!seen.has(period(time))) seen.set(period(time), time)
    return [...seen.values()].slice(0, count)
  }
  return new Set([
    ...times.filter((time) => time > now),
    ...of(keep.days, (time) => time.slice(0, 10)),
    ...of(keep.weeks, weekOf),
    ...of(keep.months, (time) => time.slice(0, 7)),
  ])
}

/** The Monday that the week of a time begins with. */
function weekOf(time: string): string {
  const date = new Date(`${time.slice(0, 10)}T00:00:00Z`)
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7))
  return date.toISOString().slice(0, 10)
}

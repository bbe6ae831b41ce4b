import { createHash } from 'node:crypto'
import { type AppJson } from '../build/app-json.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type CronEntry } from '../model/release.ts'
import { isTimezone, scheduleProblem } from './schedule.ts'

/** Seconds that a run may take where app.json does not say. */
const defaultTimeout = 24 * 3600

/**
 * app.json's cron entries, complete. One without a name is named by a hash of what it does, so that it keeps the
 * name as long as it stays the same. Throws SOURCE_REFUSED for a schedule or time zone that cannot be read, and
 * for a name that is there twice.
 */
export function readCron(entries: AppJson['cron']): CronEntry[] {
  const read = entries.map((entry, i): CronEntry => {
    const { command, schedule, timezone = 'UTC' } = entry
    if (!isTimezone(timezone))
      throw refused(`app.json cron.${i}.timezone: ${JSON.stringify(timezone)} is no time zone`)
    const problem = scheduleProblem(schedule, timezone)
    if (problem !== undefined)
      throw refused(`app.json cron.${i}.schedule ${JSON.stringify(schedule)}: ${problem}`)
    return {
      name: entry.name ?? createHash('sha256').update(`${schedule}\n${command}`).digest('hex').slice(0, 8),
      command,
      schedule,
      timezone,
      overlap: entry.concurrency_policy ?? 'allow',
      timeout: entry.timeout ?? defaultTimeout,
      missed: entry.missed ?? 'run',
    }
  })
  const names = read.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw refused(`app.json cron: there are two entries named ${twice}`)
  return read
}

const refused = (message: string): PaasError =>
  new PaasError('SOURCE_REFUSED', message, {
    hint: 'A schedule looks like "0 4 * * *" or @daily, a time zone like Europe/Berlin.',
  })

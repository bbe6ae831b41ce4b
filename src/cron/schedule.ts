import { Cron } from 'croner'
import { messageOf } from '../errors/paas-error.ts'

/** Whether it is an IANA name that is known here. */
export function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** Why a schedule and time zone cannot be used; undefined where they can. */
export function scheduleProblem(schedule: string, timezone: string): string | undefined {
  try {
    const next = new Cron(schedule, { timezone, paused: true }).nextRun()
    return next === null ? 'it never comes' : undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** The first time after `after` that a schedule names; undefined where there is none. */
export function timeAfter(schedule: string, timezone: string, after: Date): Date | undefined {
  return new Cron(schedule, { timezone, paused: true }).nextRun(after) ?? undefined
}

/** The newest time up to `now` that a schedule names; undefined where there is none. */
export function lastTime(schedule: string, timezone: string, now: Date): Date | undefined {
  // What is asked for is before the reference, to the second.
  const reference = new Date(now.getTime() + 1000)
  return new Cron(schedule, { timezone, paused: true }).previousRuns(2, reference).find((time) => time <= now)
}

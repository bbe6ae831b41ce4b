import { setTimeout as sleep } from 'node:timers/promises'
import { Cron } from 'croner'
import { type Platform } from '../apps/platform.ts'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { type BackupSchedule, type Subject, subjectKey, subjectName } from '../model/backup.ts'
import { type ServiceContext } from '../services/context.ts'
import { createBackup } from './create.ts'
import { drill } from './drill.ts'
import { removeUnfinished } from './files.ts'
import { notify } from './notify.ts'
import { removeOld } from './remove.ts'
import { withSource } from './subject.ts'

/** Milliseconds between two looks at what is due. */
const lookEvery = 10_000

/** When a schedule is due next after a time. Throws INVALID_INPUT for what is no schedule. */
export function nextRun(cron: string, after: Date): Date {
  try {
    const next = new Cron(cron, { timezone: 'UTC', paused: true, mode: '5-part' }).nextRun(after)
    if (next !== null) return next
  } catch (error) {
    throw new PaasError('INVALID_INPUT', `${JSON.stringify(cron)} is no schedule: ${messageOf(error)}`, {
      hint: 'For example "@daily", or "30 3 * * *" for half past three each night (UTC).',
    })
  }
  throw new PaasError('INVALID_INPUT', `${JSON.stringify(cron)} never comes.`)
}

/**
 * Makes the backups that are due, one after another: backup, drill, removal of what is old. What was due while the
 * server was off is made once. Ends with the signal.
 */
export async function keepBackupSchedules(platform: Platform, signal: AbortSignal): Promise<void> {
  const context: ServiceContext = {
    platform,
    signal,
    actor: 'schedule',
    report: () => undefined,
    say: () => undefined,
  }
  const ended = (): boolean => signal.aborted
  // No backup can be under way yet that is not cut off.
  await removeUnfinished(platform.paths)
  while (!ended()) {
    try {
      for (const [key, schedule] of await platform.store.backups.schedules.all()) {
        if (!ended() && (await isDue(platform, key, schedule))) await runSchedule(key, schedule, context)
      }
    } catch (error) {
      if (!ended())
        platform.log.warn({ reason: messageOf(error) }, 'the schedule of backups cannot be followed now')
    }
    await sleep(lookEvery, undefined, { signal }).catch(() => undefined)
  }
}

async function isDue(platform: Platform, key: string, { cron, since }: BackupSchedule): Promise<boolean> {
  const made = (await platform.store.backups.list())
    .filter((backup) => backup.scheduled && subjectKey(backup.subject) === key)
    .map(({ createdAt }) => createdAt)
  return dueAfter(cron, [since, ...made], platform.now())
}

/**
 * Pure. Whether a schedule is due, after the newest of these times (ISO 8601). Those later than `now` are of a clock
 * that was wrong; where there are no others, it is.
 */
export function dueAfter(cron: string, times: string[], now: Date): boolean {
  const last = times
    .filter((time) => new Date(time) <= now)
    .sort()
    .at(-1)
  return last === undefined || nextRun(cron, new Date(last)) <= now
}

async function runSchedule(key: string, schedule: BackupSchedule, context: ServiceContext): Promise<void> {
  const { platform } = context
  const of = subjectName(schedule.subject)
  try {
    const backup = await withSource(schedule.subject, context, (source) =>
      createBackup(source, { scheduled: true, to: schedule.to, counted: true }, context),
    )
    const { ok } = await drill(backup, context)
    platform.log.info({ backup: backup.id, of, proven: ok }, 'backed up')
    await removeOld(platform, key, schedule.keep)
  } catch (error) {
    if (context.signal.aborted) return
    // Not again before its next time, whatever it was that failed.
    await platform.store.backups.schedules.set(key, { ...schedule, since: platform.now().toISOString() })
    await notify(platform, 'backup-failed', { of, reason: messageOf(error) })
  }
}

/** Backs a subject up regularly from now on. */
export async function setSchedule(
  subject: Subject,
  wanted: Pick<BackupSchedule, 'cron' | 'keep' | 'to'>,
  { platform }: Pick<ServiceContext, 'platform'>,
): Promise<Date> {
  const now = platform.now()
  const next = nextRun(wanted.cron, now)
  await platform.store.backups.schedules.set(subjectKey(subject), {
    ...wanted,
    subject,
    since: now.toISOString(),
  })
  return next
}

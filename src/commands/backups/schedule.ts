import { z } from 'zod'
import { storeOf } from '../../backups/offsite.ts'
import { keepText, parseKeep } from '../../backups/retention.ts'
import { setSchedule } from '../../backups/schedule.ts'
import { findSubject } from '../../backups/subject.ts'
import { defineCommand } from '../define.ts'
import { serviceContext } from '../services/context.ts'

export const backupsSchedule = defineCommand({
  name: 'backups:schedule',
  summary: 'back a service or storage up regularly',
  description:
    'Every backup of a schedule is restored into a throwaway and compared; what that shows is in backups:list. Backups ' +
    'that grow too old go. Times are UTC; what was due while the server was off is made once. Failures are told by ' +
    '/etc/paas/hooks/backup-failed, backup-copy-failed and backup-drill-failed.',
  examples: [
    'paas backups:schedule db1 @daily',
    'paas backups:schedule db1 "30 3 * * *" --keep 7d,4w,6m --to offsite',
  ],
  access: 'manage',
  app: 'none',
  args: {
    of: z.string().describe('a service, or APP:STORAGE'),
    cron: z.string().describe('@hourly, @daily, @weekly, or five fields as in a crontab'),
  },
  flags: {
    keep: z
      .string()
      .default('7d,4w,6m')
      .describe('how many days, weeks and months (7d,4w,6m)')
      .meta({ value: 'periods' }),
    to: z.string().optional().describe('an off-site store as well').meta({ value: 'store' }),
  },
  result: z.object({
    of: z.string(),
    cron: z.string(),
    keep: z.string(),
    to: z.string().nullable(),
    next: z.string(),
  }),
  async run({ args, flags }, context) {
    const at = serviceContext(context)
    const keep = parseKeep(flags.keep)
    if (flags.to !== undefined) await storeOf(at.platform.store, flags.to)
    const subject = await findSubject(args.of, at)
    const wanted = { cron: args.cron, keep, ...(flags.to !== undefined && { to: flags.to }) }
    const next = await setSchedule(subject, wanted, at)
    return {
      of: args.of,
      cron: args.cron,
      keep: keepText(keep),
      to: flags.to ?? null,
      next: next.toISOString(),
    }
  },
  render: ({ of, keep, next }) => `${of} is backed up next at ${next}; kept are ${keep}.\n`,
})

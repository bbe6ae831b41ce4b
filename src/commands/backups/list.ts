import { z } from 'zod'
import { nextRun } from '../../backups/schedule.ts'
import { keepText } from '../../backups/retention.ts'
import { subjectName } from '../../model/backup.ts'
import { defineCommand } from '../define.ts'
import { table } from '../render.ts'
import { row, shown, ShownBackup } from './shown-backup.ts'

export const backupsList = defineCommand({
  name: 'backups:list',
  aliases: ['backups'],
  summary: 'list backups, where they are, and whether they are proven',
  description:
    'Backups of services that are gone are here too. Proven means: restored into a throwaway, and the same was in it.',
  examples: ['paas backups:list', 'paas backups:list db1 --json'],
  access: 'manage',
  app: 'none',
  args: { of: z.string().optional().describe('a service, or APP:STORAGE') },
  result: z.object({
    backups: z.array(ShownBackup),
    schedules: z.array(
      z.object({
        of: z.string(),
        cron: z.string(),
        keep: z.string(),
        to: z.string().nullable(),
        next: z.string(),
      }),
    ),
  }),
  async run({ args: { of } }, { platform }) {
    const { backups } = platform.store
    const wanted = (name: string): boolean => of === undefined || name === of
    const schedules = (await backups.schedules.all()).map(([, { subject, cron, keep, to }]) => ({
      of: subjectName(subject),
      cron,
      keep: keepText(keep),
      to: to ?? null,
      next: nextRun(cron, platform.now()).toISOString(),
    }))
    return {
      backups: (await backups.list()).map(shown).filter((backup) => wanted(backup.of)),
      schedules: schedules.filter((schedule) => wanted(schedule.of)),
    }
  },
  render: ({ backups, schedules }) =>
    table(backups.map(row)) +
    schedules
      .map(
        ({ of, cron, keep, to, next }) =>
          `${of}: ${cron}, keeping ${keep}${to === null ? '' : `, also in ${to}`}; next ${next}\n`,
      )
      .join(''),
})

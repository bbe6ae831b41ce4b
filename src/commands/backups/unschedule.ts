import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { subjectName } from '../../model/backup.ts'
import { defineCommand } from '../define.ts'

export const backupsUnschedule = defineCommand({
  name: 'backups:unschedule',
  summary: 'back something up no more',
  description: 'The backups that there are stay.',
  examples: ['paas backups:unschedule db1'],
  access: 'manage',
  app: 'none',
  args: { of: z.string().describe('a service, or APP:STORAGE') },
  result: z.object({ of: z.string() }),
  async run({ args }, { platform }) {
    const { schedules } = platform.store.backups
    const found = (await schedules.all()).find(([, { subject }]) => subjectName(subject) === args.of)
    if (found === undefined) {
      throw new PaasError('NOT_FOUND', `${args.of} has no schedule.`, { hint: 'paas backups:list' })
    }
    await schedules.remove(found[0])
    return { of: args.of }
  },
  render: ({ of }) => `${of} is backed up only when somebody says so.\n`,
})

import { z } from 'zod'
import { createBackup } from '../../backups/create.ts'
import { drill } from '../../backups/drill.ts'
import { storeOf } from '../../backups/offsite.ts'
import { findSubject, withSource } from '../../backups/subject.ts'
import { defineCommand } from '../define.ts'
import { table } from '../render.ts'
import { serviceContext } from '../services/context.ts'
import { row, shown, ShownBackup } from './shown-backup.ts'

export const backupsCreate = defineCommand({
  name: 'backups:create',
  aliases: ['backups:capture'],
  summary: 'back a service or storage up now',
  description:
    'Saves a service, or the storage of an app, encrypted to the disk of this server, and with --to to an off-site ' +
    'store too. With --drill it is then restored into a throwaway and compared.',
  examples: [
    'paas backups:create db1',
    'paas backups:create db1 --to offsite --drill',
    'paas backups:create blog:uploads',
  ],
  access: 'manage',
  app: 'none',
  args: { of: z.string().describe('a service, or APP:STORAGE') },
  flags: {
    to: z.string().optional().describe('an off-site store as well').meta({ value: 'store' }),
    drill: z.boolean().default(false).describe('prove that it can be restored'),
  },
  result: ShownBackup,
  async run({ args, flags }, context) {
    const at = serviceContext(context)
    const subject = await findSubject(args.of, at)
    if (flags.to !== undefined) await storeOf(at.platform.store, flags.to)
    const backup = await withSource(subject, at, (source) =>
      createBackup(source, { scheduled: false, to: flags.to, counted: flags.drill }, at),
    )
    return shown(flags.drill ? { ...backup, drill: await drill(backup, at) } : backup)
  },
  render: (backup) => table([row(backup)]),
  exitCode: ({ drill: result, copies }) =>
    result?.ok === false || copies.some(({ status }) => status === 'failed') ? 1 : 0,
})

import { z } from 'zod'
import { createBackup } from '../../backups/create.ts'
import { storeOf } from '../../backups/offsite.ts'
import { findStorage, withSource } from '../../backups/subject.ts'
import { row, shown, ShownBackup } from '../backups/shown-backup.ts'
import { defineCommand } from '../define.ts'
import { table } from '../render.ts'
import { serviceContext } from '../services/context.ts'

export const storageBackup = defineCommand({
  name: 'storage:backup',
  summary: 'back the storage of an app up now',
  description: 'The same as backups:create APP:STORAGE; to do so regularly: backups:schedule APP:STORAGE.',
  examples: ['paas storage:backup blog uploads', 'paas storage:backup blog uploads --to offsite'],
  access: 'manage',
  app: 'required',
  args: { name: z.string().transform(bare).describe('the storage') },
  flags: { to: z.string().optional().describe('an off-site store as well').meta({ value: 'store' }) },
  result: ShownBackup,
  async run({ app, args, flags }, context) {
    const at = serviceContext(context)
    const { id, name } = await findStorage(app.name, args.name, at)
    if (flags.to !== undefined) await storeOf(at.platform.store, flags.to)
    const subject = { type: 'storage', id, name, volume: args.name } as const
    return shown(
      await withSource(subject, at, (source) =>
        createBackup(source, { scheduled: false, to: flags.to, counted: true }, at),
      ),
    )
  },
  render: (backup) => table([row(backup)]),
})

/** `uploads:/app/uploads`, as it is mounted, is `uploads`. */
export function bare(word: string): string {
  return word.split(':')[0]!
}

import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import { findBackup } from '../../backups/find.ts'
import { type BackupKey, keyOf } from '../../backups/key.ts'
import { restoreService, restoreVolume } from '../../backups/restore.ts'
import { findStorage } from '../../backups/subject.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { type Backup, subjectName } from '../../model/backup.ts'
import { type CommandContext, defineCommand } from '../define.ts'
import { serviceContext } from '../services/context.ts'

export const backupsRestore = defineCommand({
  name: 'backups:restore',
  summary: 'put a backup back, into the same service or another',
  description:
    'Replaces the data by that of the backup, once all of it is there: one that does not open changes nothing. A service ' +
    'that is not there is made. Storage is restored as APP:STORAGE.',
  examples: [
    'paas backups:restore db1 20261120-171500-k3f9',
    'paas backups:restore db1 20261120-171500-k3f9 --to db2',
  ],
  access: 'manage',
  app: 'none',
  args: {
    of: z.string().describe('the service, or APP:STORAGE, that the backup is of'),
    id: z.string().describe('the backup'),
  },
  flags: {
    to: z.string().optional().describe('another service, or APP:STORAGE').meta({ value: 'name' }),
    key: z
      .string()
      .optional()
      .describe('a file with the key it was made with, where that is another')
      .meta({ value: 'file' }),
  },
  result: z.object({ into: z.string(), parts: z.array(z.string()), left: z.array(z.string()) }),
  async run({ args, flags }, context) {
    const at = serviceContext(context)
    const backup = await findBackup(context.platform, args.id)
    await refuseOther(backup, args.of, context)
    const key: BackupKey | undefined =
      flags.key === undefined ? undefined : keyOf(await buffer(context.io.file(flags.key)))
    const target = flags.to ?? args.of
    const [name = '', volume] = target.split(':')
    if (volume === undefined) return restoreService(backup, name, key, at)
    return restoreVolume(backup, await findStorage(name, volume, at), volume, key, at)
  },
  render: ({ into, parts, left }) =>
    `${into} holds what was in the backup: ${parts.join(', ')}.\n` +
    (left.length === 0 ? '' : ` !     Left out, as no app is linked to it: ${left.join(', ')}\n`),
})

/** A name that does not belong to the backup is a mistake, unless the service was renamed since. */
async function refuseOther({ id, subject }: Backup, of: string, { platform }: CommandContext): Promise<void> {
  if (subjectName(subject) === of) return
  const now =
    subject.type === 'service'
      ? (await platform.store.services.get(subject.id))?.name
      : (await platform.store.apps.get(subject.id))?.name.concat(`:${subject.volume}`)
  if (now === of) return
  throw new PaasError('INVALID_INPUT', `${id} is a backup of ${subjectName(subject)}, not of ${of}.`, {
    hint: `paas backups:restore ${subjectName(subject)} ${id} --to ${of}`,
  })
}

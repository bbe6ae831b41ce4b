import { z } from 'zod'
import { removeBackup } from '../../backups/remove.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { BackupId } from '../../model/backup.ts'
import { defineCommand } from '../define.ts'

export const backupsDestroy = defineCommand({
  name: 'backups:destroy',
  summary: 'remove a backup and its copies',
  examples: ['paas backups:destroy 20261120-171500-k3f9'],
  access: 'manage',
  app: 'none',
  args: { id: z.string().describe('a backup') },
  result: z.object({ id: z.string() }),
  async run({ args }, { platform }) {
    const id = BackupId.safeParse(args.id)
    const backup = id.success ? await platform.store.backups.get(id.data) : undefined
    if (backup === undefined) {
      throw new PaasError('NOT_FOUND', `There is no backup ${JSON.stringify(args.id)}.`, {
        hint: 'paas backups:list',
      })
    }
    await removeBackup(platform, backup)
    return { id: backup.id }
  },
  render: ({ id }) => `${id} is gone.\n`,
})

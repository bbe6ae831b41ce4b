import { z } from 'zod'
import { drill } from '../../backups/drill.ts'
import { findBackup } from '../../backups/find.ts'
import { defineCommand } from '../define.ts'
import { table } from '../render.ts'
import { serviceContext } from '../services/context.ts'
import { row, shown, ShownBackup } from './shown-backup.ts'

export const backupsDrill = defineCommand({
  name: 'backups:drill',
  summary: 'prove that a backup can be restored',
  description:
    'Restores it into a throwaway that nothing else reaches, and compares what is in it with what was.',
  examples: ['paas backups:drill 20261120-171500-k3f9'],
  access: 'manage',
  app: 'none',
  args: { id: z.string().describe('a backup') },
  result: ShownBackup,
  async run({ args }, context) {
    const backup = await findBackup(context.platform, args.id)
    return shown({ ...backup, drill: await drill(backup, serviceContext(context)) })
  },
  render: (backup) => table([row(backup)]),
  exitCode: ({ drill: result }) => (result?.ok === true ? 0 : 1),
})

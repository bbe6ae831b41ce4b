import { z } from 'zod'
import { listStateBackups, reasons } from '../../recovery/state-backups.ts'
import { defineCommand } from '../define.ts'
import { ago, bytes, table } from '../render.ts'

export const ShownStateBackup = z.object({
  file: z.string(),
  createdAt: z.string(),
  reason: z.enum(reasons),
  bytes: z.int(),
})

export const serverBackups = defineCommand({
  name: 'server:backups',
  summary: 'list the backups of the state that are made by themselves',
  description:
    'Every hour, and before an upgrade or a change of its layout, the state is backed up into a folder of this server. ' +
    '`paas server:restore FILE` goes back to one.',
  examples: ['paas server:backups', 'paas server:backups --json'],
  access: 'admin',
  app: 'none',
  result: z.array(ShownStateBackup),
  run: (_input, { platform }) => listStateBackups(platform.paths),
  render: (backups) =>
    backups.length === 0
      ? 'There are none yet.\n'
      : table(
          backups.map(({ file, createdAt, reason, bytes: size }) => [
            file,
            ago(new Date(createdAt), new Date()),
            reason,
            bytes(size),
          ]),
        ),
})

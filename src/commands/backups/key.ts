import { z } from 'zod'
import { backupKey } from '../../backups/key.ts'
import { defineCommand } from '../define.ts'

export const backupsKey = defineCommand({
  name: 'backups:key',
  summary: 'print the key that opens the backups',
  description:
    'Keep it somewhere else: without it nobody ever reads a backup, with it any server does: the file that --key of ' +
    'backups:restore wants is this text through `base64 -d`.',
  examples: ['paas backups:key', 'paas backups:key | base64 -d > backup.key'],
  access: 'admin',
  app: 'none',
  result: z.object({ id: z.string(), key: z.string() }),
  async run(_input, { platform }) {
    const { id, bytes } = await backupKey(platform.paths)
    return { id, key: bytes.toString('base64') }
  },
  render: ({ key }) => `${key}\n`,
})

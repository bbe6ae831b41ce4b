import { z } from 'zod'
import { reasons, writeStateBackup } from '../../../recovery/state-backups.ts'
import { defineCommand } from '../../define.ts'
import { bytes } from '../../render.ts'
import { ShownStateBackup } from '../backups.ts'

export const serverBackupsCreate = defineCommand({
  name: 'server:backups:create',
  summary: 'back the state up now',
  examples: ['paas server:backups:create'],
  access: 'admin',
  app: 'none',
  flags: {
    reason: z.enum(reasons).default('asked').describe('what is noted beside it').meta({ value: 'word' }),
  },
  result: ShownStateBackup,
  run: ({ flags }, { platform }) => writeStateBackup(platform, flags.reason),
  render: ({ file, bytes: size }) => `${file}, ${bytes(size)}\n`,
})

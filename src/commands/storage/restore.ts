import { z } from 'zod'
import { findBackup } from '../../backups/find.ts'
import { restoreVolume } from '../../backups/restore.ts'
import { findStorage } from '../../backups/subject.ts'
import { defineCommand } from '../define.ts'
import { serviceContext } from '../services/context.ts'
import { bare } from './backup.ts'

export const storageRestore = defineCommand({
  name: 'storage:restore',
  summary: 'put a backup of storage back',
  description: 'Replaces what is in the storage, once all of the backup is there. Containers see it at once.',
  examples: ['paas storage:restore blog uploads 20261120-171500-k3f9'],
  access: 'manage',
  app: 'required',
  args: { name: z.string().transform(bare).describe('the storage'), id: z.string().describe('the backup') },
  result: z.object({ into: z.string() }),
  async run({ app, args }, context) {
    const at = serviceContext(context)
    const backup = await findBackup(at.platform, args.id)
    const found = await findStorage(app.name, args.name, at)
    const { into } = await restoreVolume(backup, found, args.name, undefined, at)
    return { into }
  },
  render: ({ into }) => `${into} holds what was in the backup.\n`,
})

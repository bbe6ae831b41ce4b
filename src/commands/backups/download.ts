import { z } from 'zod'
import { findBackup, readBackup } from '../../backups/find.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { defineCommand } from '../define.ts'

export const backupsDownload = defineCommand({
  name: 'backups:download',
  summary: 'print what is in a backup, for a file',
  description:
    "Prints the dump, decrypted and unpacked, as the datastore's own tools and services:import read it; of storage, a tar.",
  examples: [
    'paas backups:download 20261120-171500-k3f9 > db1.dump',
    'paas backups:download 20261120-171500-k3f9 --part blog_k3f9x2 > blog.dump',
  ],
  access: 'manage',
  app: 'none',
  args: { id: z.string().describe('a backup') },
  flags: {
    part: z.string().optional().describe('a database, where there are several').meta({ value: 'name' }),
  },
  async run({ args, flags }, { platform, io, signal }) {
    if (io.terminal.tty.stdout) {
      throw new PaasError('INVALID_INPUT', 'A backup is not for a terminal.', {
        hint: `Send it to a file: paas backups:download ${args.id} > file`,
      })
    }
    const backup = await findBackup(platform, args.id)
    const number = flags.part === undefined ? 0 : backup.parts.findIndex(({ name }) => name === flags.part)
    if (number < 0) {
      throw new PaasError('NOT_FOUND', `The backup has no part ${JSON.stringify(flags.part)}.`, {
        hint: `It has: ${backup.parts.map(({ name }) => name).join(', ')}`,
      })
    }
    for await (const bytes of readBackup(platform, backup, number)) {
      signal.throwIfAborted()
      await io.stdout(bytes)
    }
  },
})

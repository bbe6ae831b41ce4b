import { readFile, rm } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { Holding } from '../../recovery/archive.ts'
import { Difference } from '../../recovery/difference.ts'
import { planRestore, putInPlace, unpackBackup } from '../../recovery/restore.ts'
import { confirmName } from '../confirm.ts'
import { defineCommand } from '../define.ts'
import { table } from '../render.ts'
import { serviceContext } from '../services/context.ts'

const signs = { comes: '+', goes: '-', changes: '~' } as const

export const serverRestore = defineCommand({
  name: 'server:restore',
  summary: 'make this server what a backup says',
  description: `Replaces apps, releases, config, keys, repositories and the data of services and storage by those of a \
backup, and starts the apps. Of what the backup does not hold, all stays. The whole file is read and checked first; \
--dry-run stops there and shows what would change. A backup of another server opens with a copy of that server's master \
key: --key FILE.`,
  examples: [
    'paas server:restore /root/paas.backup --key /root/master.key --dry-run',
    'paas server:restore /root/paas.backup --key /root/master.key --confirm example.com',
  ],
  access: 'admin',
  app: 'none',
  args: { file: z.string().describe('the backup; -: stdin') },
  flags: {
    key: z
      .string()
      .optional()
      .describe("the master key that it was made with; without: this server's")
      .meta({ value: 'file' }),
    dryRun: z.boolean().default(false).describe('show what would change, and change nothing'),
    confirm: z
      .string()
      .optional()
      .describe('the base domain of this server, instead of typing it')
      .meta({ value: 'domain' }),
  },
  result: z.object({
    createdAt: z.string(),
    holds: z.array(Holding),
    restored: z.boolean(),
    differences: z.array(Difference),
  }),
  async run({ args, flags }, context) {
    const { platform, io } = context
    const masterKey =
      flags.key === undefined ? await readFile(platform.paths.masterKey) : await buffer(io.file(flags.key))
    if (masterKey.length !== 32) throw new PaasError('INVALID_INPUT', 'A master key is a file of 32 bytes.')
    const unpacked = await unpackBackup(platform, io.file(args.file), masterKey)
    try {
      const { createdAt, holds } = unpacked.manifest
      const plan = { createdAt, holds, differences: await planRestore(platform, unpacked) }
      if (flags.dryRun) return { ...plan, restored: false }
      await confirmName(context, {
        name: platform.instance.domain,
        given: flags.confirm,
        consequence: `This replaces ${holds.join(', ')} of ${platform.instance.domain} by the backup of ${createdAt}`,
      })
      await putInPlace(unpacked, serviceContext(context))
      // The controller reads the master key at its start; whoever supervises it starts it again at once.
      setTimeout(() => process.kill(process.pid, 'SIGTERM'), 500)
      return { ...plan, restored: true }
    } finally {
      await rm(unpacked.folder, { recursive: true, force: true })
    }
  },
  render: ({ createdAt, restored, holds, differences }) =>
    `${restored ? 'Restored' : 'Would restore'} ${holds.join(', ')} as of ${createdAt}` +
    (differences.length === 0 ? '; the state is the same.\n' : ':\n') +
    table(
      differences.map(({ of, name, change, details }) => [
        `${signs[change]} ${of}`,
        name,
        details.join('; '),
      ]),
    ),
})

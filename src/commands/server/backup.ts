import { isAbsolute } from 'node:path'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { randomHex } from '../../lib/ids.ts'
import { backUpServer } from '../../recovery/back-up.ts'
import { defineCommand } from '../define.ts'
import { serviceContext } from '../services/context.ts'

export const serverBackup = defineCommand({
  name: 'server:backup',
  summary: 'save the whole server into one encrypted file',
  description: `Saves apps, releases, config, keys, routes, repositories, the images that run, and the data of services \
and storage into one file, encrypted with the server's master key. The key is not in it: keep a copy of it elsewhere, or \
nobody will ever read the file.`,
  examples: ['paas server:backup /root/paas.backup', 'ssh paas@host server:backup - > paas.backup'],
  access: 'admin',
  app: 'none',
  args: { file: z.string().describe('an absolute path on the server; -: stdout') },
  flags: {
    withoutData: z.boolean().default(false).describe('leave out what is in services and storage'),
  },
  result: z.object({ file: z.string(), bytes: z.int() }),
  async run({ args: { file }, flags }, context) {
    const { platform, identity, io, signal } = context
    if (file === '-' && io.terminal.tty.stdout) {
      throw new PaasError('INVALID_INPUT', 'A backup is not for a terminal.', {
        hint: 'Send it to a file: > paas.backup',
      })
    }
    if (file !== '-' && (identity.via !== 'root' || !isAbsolute(file))) {
      throw new PaasError(
        'INVALID_INPUT',
        'The file is an absolute path, and only root on the server may name one.',
        {
          hint: 'Or take the backup from stdout: paas server:backup - > paas.backup',
        },
      )
    }
    let bytes = 0
    async function* counted(): AsyncGenerator<Buffer> {
      for await (const part of backUpServer(serviceContext(context), { data: !flags.withoutData })) {
        signal.throwIfAborted()
        bytes += part.length
        yield part
      }
    }
    if (file === '-') for await (const part of counted()) await io.stdout(part)
    else await writeWhole(file, counted())
    await io.stderr(
      `       ${bytes} bytes; it opens only with ${platform.paths.masterKey}: keep a copy of that elsewhere.\n`,
    )
    return { file, bytes }
  },
})

/** A backup that was cut off must not look like one. */
async function writeWhole(file: string, content: AsyncIterable<Buffer>): Promise<void> {
  const unfinished = `${file}.${randomHex(4)}.part`
  try {
    await pipeline(content, createWriteStream(unfinished, { mode: 0o600, flags: 'wx' }))
    await rename(unfinished, file)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

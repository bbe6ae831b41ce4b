import { createGunzip, createZstdDecompress } from 'node:zlib'
import { Readable } from 'node:stream'
import { PaasError } from '../errors/paas-error.ts'
import { SealError, unseal } from '../lib/sealed-stream.ts'
import { type BackupKey } from './key.ts'

const zstd = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
const gzip = Buffer.from([0x1f, 0x8b])

/**
 * What was dumped, from a part as it is stored: opened and, where we had compressed it, unpacked. Throws
 * BACKUP_CORRUPT for the wrong key, damage, and an end that comes too early.
 */
export const opened = (stored: AsyncIterable<Uint8Array>, key: BackupKey): AsyncGenerator<Buffer> =>
  unpacked(told(unseal(stored, key.bytes)))

/** What was dumped, from what came out of a container: unpacked where it was compressed there. */
export async function* unpacked(plain: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const first = await plain.next()
  const begin = first.done === true ? Buffer.alloc(0) : first.value
  async function* all(): AsyncGenerator<Buffer> {
    yield begin
    for await (const bytes of plain) yield bytes
  }
  const unpacker = begin.subarray(0, 4).equals(zstd)
    ? createZstdDecompress()
    : begin.subarray(0, 2).equals(gzip)
      ? createGunzip()
      : undefined
  if (unpacker === undefined) {
    yield* all()
    return
  }
  const source = Readable.from(all(), { objectMode: false })
  source.once('error', (error) => unpacker.destroy(error))
  yield* source.pipe(unpacker) as AsyncIterable<Buffer>
}

async function* told(source: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* source
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    throw new PaasError('BACKUP_CORRUPT', error.message, {
      hint: 'Nothing was changed. Another key: --key FILE. Another copy: paas backups:list',
      cause: error,
    })
  }
}

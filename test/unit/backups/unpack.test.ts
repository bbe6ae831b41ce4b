import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { keyOf } from '../../../src/backups/key.ts'
import { opened } from '../../../src/backups/unpack.ts'
import { seal } from '../../../src/lib/sealed-stream.ts'

const key = keyOf(randomBytes(32))
const plain = randomBytes(300_000)
const stored = async (content: Buffer): Promise<Buffer> => buffer(seal(pieces(content), key.bytes))

async function* pieces(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 10_000) yield content.subarray(at, at + 10_000)
}

test.each([
  ['as it is', plain],
  ['by zstd', zstdCompressSync(plain)],
  ['by gzip', gzipSync(plain)],
])('what was packed %s comes back', async (_how, packed) => {
  expect((await buffer(opened(pieces(await stored(packed)), key))).equals(plain)).toBe(true)
})

test('another key, a changed byte and an early end are told, whatever is inside', async () => {
  for (const packed of [plain, zstdCompressSync(plain)]) {
    const whole = await stored(packed)
    const changed = Buffer.from(whole)
    changed[150_000]! ^= 1
    const other = keyOf(randomBytes(32))
    await expect(buffer(opened(pieces(whole), other))).rejects.toMatchObject({ code: 'BACKUP_CORRUPT' })
    await expect(buffer(opened(pieces(changed), key))).rejects.toMatchObject({ code: 'BACKUP_CORRUPT' })
    await expect(buffer(opened(pieces(whole.subarray(0, -10)), key))).rejects.toMatchObject({
      code: 'BACKUP_CORRUPT',
    })
  }
})

import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seal, SealError, unseal } from '../../../src/lib/sealed-stream.ts'

const key = randomBytes(32)

async function* chunked(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const collect = async (source: AsyncIterable<Buffer>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(source))

describe('seal and unseal', () => {
  it('give back the same bytes, however they are cut', async () => {
    const sizes = fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 200_000)
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 100_000 }),
        async (size, cutIn, cutOut) => {
          const plain = randomBytes(size)
          const sealed = await collect(seal(chunked(plain, cutIn), key))
          expect(await collect(unseal(chunked(sealed, cutOut), key))).toEqual(plain)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('refuse another key, any changed byte, any cut and anything after the end', async () => {
    const sealed = await collect(seal(chunked(randomBytes(150_000), 4096), key))
    const opens = (bytes: Buffer, with_ = key) => collect(unseal(chunked(bytes, 10_000), with_))
    await expect(opens(sealed, randomBytes(32))).rejects.toThrow(SealError)
    await expect(opens(Buffer.concat([sealed, Buffer.of(0)]))).rejects.toThrow(SealError)
    for (const at of [0, 9, 12, 26, 30, 31, 70_000, sealed.length - 1]) {
      const changed = Buffer.from(sealed)
      changed[at]! ^= 1
      await expect(opens(changed)).rejects.toThrow(SealError)
    }
    for (const length of [0, 5, 26, 29, 65_582, sealed.length - 1]) {
      await expect(opens(sealed.subarray(0, length))).rejects.toThrow(SealError)
    }
  })

  it('refuse records in another order', async () => {
    const sealed = await collect(seal(chunked(randomBytes(3 * 65_536), 65_536), key))
    const record = 4 + 65_536 + 16
    const swapped = Buffer.concat([
      sealed.subarray(0, 26),
      sealed.subarray(26 + record, 26 + 2 * record),
      sealed.subarray(26, 26 + record),
      sealed.subarray(26 + 2 * record),
    ])
    await expect(collect(unseal(chunked(swapped, 9999), key))).rejects.toThrow(SealError)
  })

  it('yield nothing of a record that is not authentic', async () => {
    const sealed = await collect(seal(chunked(randomBytes(65_536 * 2), 65_536), key))
    // The last record is empty, and of a header and a tag alone.
    sealed[sealed.length - 20 - 1]! ^= 1
    const seen: Buffer[] = []
    await expect(
      (async () => {
        for await (const part of unseal(chunked(sealed, 5000), key)) seen.push(part)
      })(),
    ).rejects.toThrow(SealError)
    expect(Buffer.concat(seen).length).toBe(65_536)
  })
})

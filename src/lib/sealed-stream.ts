import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/*
 * A stream sealed with a key: magic, 16 bytes of salt, then records of 4 bytes big-endian header, ciphertext and
 * a 16-byte tag. The header is the length of the plaintext, its top bit set in the last record. Each record is
 * AES-256-GCM under a key derived for this stream (HKDF-SHA-256), its number as the nonce and its header as
 * additional data: records that are changed, reordered, dropped or taken from elsewhere do not open, nor does
 * a stream that was cut off (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
 */
const magic = Buffer.from('PAASSEAL1\n')
const saltBytes = 16
export const recordBytes = 64 * 1024
const headerBytes = 4
const tagBytes = 16
const lastBit = 0x80000000
/** Bytes of the record of so many. */
export const sealedBytes = (plain: number): number => headerBytes + plain + tagBytes

/** What did not open: the wrong key, damage, or a stream that was cut off. */
export class SealError extends Error {
  override readonly name = 'SealError'
}

/** Seals one stream, record by record. */
export type Sealer = {
  /** What the stream begins with. */
  start: Buffer
  /** Writes the record of at most `recordBytes` into `target` at `at`; returns its length. */
  seal: (plain: Buffer, last: boolean, target: Buffer, at: number) => number
}

export function createSealer(key: Buffer): Sealer {
  const salt = randomBytes(saltBytes)
  const streamKey = deriveKey(key, salt)
  let number = 0
  return {
    start: Buffer.concat([magic, salt]),
    seal(plain, last, target, at) {
      const header = target.subarray(at, at + headerBytes)
      header.writeUInt32BE(last ? plain.length + lastBit : plain.length)
      const cipher = createCipheriv('aes-256-gcm', streamKey, nonceOf(number++))
      cipher.setAAD(header)
      const body = cipher.update(plain)
      cipher.final()
      body.copy(target, at + headerBytes)
      cipher.getAuthTag().copy(target, at + headerBytes + body.length)
      return sealedBytes(body.length)
    },
  }
}

/** Seals a stream; memory stays at about one record. */
export async function* seal(source: AsyncIterable<Uint8Array>, key: Buffer): AsyncGenerator<Buffer> {
  const sealer = createSealer(key)
  yield sealer.start
  const plain = Buffer.allocUnsafeSlow(recordBytes)
  let size = 0
  const sealed = (last: boolean): Buffer => {
    const record = Buffer.allocUnsafeSlow(sealedBytes(size))
    sealer.seal(plain.subarray(0, size), last, record, 0)
    size = 0
    return record
  }
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + recordBytes - size)
      plain.set(part, size)
      size += part.length
      at += part.length
      if (size === recordBytes) yield sealed(false)
    }
  }
  yield sealed(true)
}

/** Opens a sealed stream. Throws SealError before it yields anything that is not authentic. */
export async function* unseal(source: AsyncIterable<Uint8Array>, key: Buffer): AsyncGenerator<Buffer> {
  const reader = bytesOf(source)
  const start = await reader(magic.length + saltBytes)
  if (!start.subarray(0, magic.length).equals(magic))
    throw new SealError('This is not a sealed file of paas.')
  const streamKey = deriveKey(key, start.subarray(magic.length))
  for (let number = 0; ; number++) {
    const header = await reader(headerBytes)
    const word = header.readUInt32BE(0)
    const last = word >= lastBit
    const length = last ? word - lastBit : word
    if (length > recordBytes) throw new SealError('The sealed file is damaged.')
    const body = await reader(length + tagBytes)
    const decipher = createDecipheriv('aes-256-gcm', streamKey, nonceOf(number))
    decipher.setAAD(header)
    decipher.setAuthTag(body.subarray(length))
    let plain: Buffer
    try {
      plain = Buffer.concat([decipher.update(body.subarray(0, length)), decipher.final()])
    } catch {
      throw new SealError('The sealed file does not open: the key is another one, or the file is damaged.')
    }
    if (plain.length > 0) yield plain
    if (!last) continue
    if ((await reader(1, true)).length > 0) throw new SealError('The sealed file goes on after its end.')
    return
  }
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeBigUInt64BE(BigInt(number), 4)
  return nonce
}

function deriveKey(key: Buffer, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, 'paas sealed stream', 32))
}

/** A function that reads exactly so many bytes; with `orLess`, fewer at the end. */
function bytesOf(source: AsyncIterable<Uint8Array>): (size: number, orLess?: boolean) => Promise<Buffer> {
  const chunks = source[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)
  return async (size, orLess = false) => {
    const pieces = [held]
    let length = held.length
    while (length < size) {
      const next = await chunks.next()
      if (next.done === true) break
      pieces.push(Buffer.from(next.value))
      length += next.value.length
    }
    const all = pieces.length === 1 ? held : Buffer.concat(pieces)
    if (length < size && !orLess) throw new SealError('The sealed file was cut off.')
    held = all.subarray(size)
    return all.subarray(0, size)
  }
}

import { createHash } from 'node:crypto'
import { fdatasync, fsyncSync, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { createSealer, recordBytes, sealedBytes } from '../lib/sealed-stream.ts'

/*
 * The thread that writes one part of a backup. All of its buffers are used again and again: memory that comes and goes
 * costs as much as the cipher.
 */

export type PartToWrite = {
  /** The end of a pipe; closed when all is read. */
  fd: number
  file: string
  key: Uint8Array
}
export type WrittenPart = { bytes: number; sha256: string }

/** Few writes of 1 MiB cost less than many of a record. */
const recordsPerWrite = 16
/** After so many bytes the disk is set to work, so that little is left to wait for at the end. */
const flushBytes = 16 * 1024 * 1024

const { fd, file, key } = workerData as PartToWrite
const out = openSync(file, 'wx', 0o600)
const hash = createHash('sha256')
const sealer = createSealer(Buffer.from(key))
const record = { bytes: Buffer.allocUnsafeSlow(recordBytes), size: 0 }
const sealed = { bytes: Buffer.allocUnsafeSlow(recordsPerWrite * sealedBytes(recordBytes)), size: 0 }
let bytes = 0
let flushed = 0
let flushing = false

function sealRecord(last: boolean): void {
  sealed.size += sealer.seal(record.bytes.subarray(0, record.size), last, sealed.bytes, sealed.size)
  record.size = 0
  if (last || sealed.size === sealed.bytes.length) writeOut(sealed.bytes.subarray(0, sealed.size))
}

function writeOut(piece: Uint8Array): void {
  hash.update(piece)
  for (let at = 0; at < piece.length;) at += writeSync(out, piece, at)
  bytes += piece.length
  sealed.size = 0
  if (flushing || bytes - flushed < flushBytes) return
  flushed = bytes
  flushing = true
  fdatasync(out, (error) => {
    flushing = false
    if (error !== null) throw error
  })
}

writeOut(sealer.start)
const source = new Socket({
  fd,
  readable: true,
  writable: false,
  onread: {
    buffer: () => record.bytes.subarray(record.size),
    callback(size) {
      record.size += size
      if (record.size === recordBytes) sealRecord(false)
      return true
    },
  },
})
source.once('end', () => {
  sealRecord(true)
  fsyncSync(out)
  parentPort!.postMessage({ bytes, sha256: hash.digest('hex') } satisfies WrittenPart)
})

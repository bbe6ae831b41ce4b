import { open, type FileHandle } from 'node:fs/promises'

const chunkBytes = 256 * 1024

/** `000000000001234.log`: the number of its first line, padded so that names sort. */
export const fileName = (first: number): string => `${String(first).padStart(15, '0')}.log`

/** The number in a segment's name; undefined for any other file. */
export function firstLineOf(name: string): number | undefined {
  const digits = /^(\d{15})\.log$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Bytes of a file up to its last newline; with `truncate` the rest, which a crash cut off, is removed. */
export async function completeLines(path: string, options: { truncate: boolean }): Promise<number> {
  const file = await open(path, options.truncate ? 'r+' : 'r')
  try {
    const { size } = await file.stat()
    let at = size
    while (at > 0) {
      const from = Math.max(0, at - chunkBytes)
      const newline = (await readAt(file, from, at)).lastIndexOf(10)
      at = newline === -1 ? from : from + newline + 1
      if (newline !== -1) break
    }
    if (at < size && options.truncate) await file.truncate(at)
    return at
  } finally {
    await file.close()
  }
}

/** Bytes `from` up to `to` of a file. */
export async function readAt(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(to - from)
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, from + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

/** The whole lines between two offsets, a batch at a time, oldest first; `from` is the start of a line. */
export async function* linesForward(file: FileHandle, from: number, to: number): AsyncGenerator<string[]> {
  let rest: Buffer = Buffer.alloc(0)
  for (let at = from; at < to; at += chunkBytes) {
    const chunk = Buffer.concat([rest, await readAt(file, at, Math.min(to, at + chunkBytes))])
    const end = chunk.lastIndexOf(10)
    rest = chunk.subarray(end + 1)
    if (end >= 0) yield chunk.toString('utf8', 0, end).split('\n')
  }
}

/** The whole lines before `to`, a batch at a time, the newest batch first; within a batch oldest first. */
export async function* linesBackward(file: FileHandle, to: number): AsyncGenerator<string[]> {
  let rest: Buffer = Buffer.alloc(0)
  let at = to
  while (at > 0) {
    const from = Math.max(0, at - chunkBytes)
    const chunk = Buffer.concat([await readAt(file, from, at), rest])
    // What comes before the first newline may be the end of a line that begins in the chunk before.
    const start = from === 0 ? 0 : chunk.indexOf(10) + 1
    rest = chunk.subarray(0, start)
    if (start < chunk.length) yield chunk.toString('utf8', start, chunk.length - 1).split('\n')
    at = from
  }
}

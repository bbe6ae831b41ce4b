import { open } from 'node:fs/promises'

/** Where a reader of a growing file is. A file that is rotated gets another inode. */
export type Place = { inode: number; offset: number }

/** The end of a file, which need not be there. */
export async function placeAtEnd(path: string): Promise<Place> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return { inode: 0, offset: 0 }
  const { ino, size } = await file.stat()
  await file.close()
  return { inode: ino, offset: size }
}

/**
 * Whole lines since a place, in latin1, and the place after them; from the beginning where the file is another one or
 * was cut. Of more than `mostBytes` the first are skipped, and counted.
 */
export async function linesSince(
  path: string,
  place: Place,
  mostBytes: number,
): Promise<{ next: Place; lines: string[]; skipped: number }> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return { next: place, lines: [], skipped: 0 }
  try {
    const { ino, size } = await file.stat()
    const from = ino === place.inode && size >= place.offset ? place.offset : 0
    const start = Math.max(from, size - mostBytes)
    if (start === size) return { next: { inode: ino, offset: size }, lines: [], skipped: 0 }
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size - start), 0, size - start, start)
    const text = buffer.toString('latin1', 0, bytesRead)
    const end = text.lastIndexOf('\n') + 1
    const lines = text
      .slice(0, end)
      .split('\n')
      .slice(start > from ? 1 : 0, -1)
    return { next: { inode: ino, offset: start + end }, lines, skipped: start - from }
  } finally {
    await file.close()
  }
}

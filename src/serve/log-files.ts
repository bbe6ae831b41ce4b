import { copyFile, stat, truncate } from 'node:fs/promises'

/**
 * Keeps a log file that others append to below `maxBytes`, with one predecessor beside it. Its writers hold it
 * open, so it is copied and emptied rather than renamed; a line written in between is lost.
 */
export async function rotate(file: string, maxBytes: number): Promise<void> {
  const { size } = await stat(file).catch(() => ({ size: 0 }))
  if (size <= maxBytes) return
  await copyFile(file, `${file}.1`)
  await truncate(file, 0)
}

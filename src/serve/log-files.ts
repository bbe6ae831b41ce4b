import { copyFile, rename, stat, truncate } from 'node:fs/promises'

/**
 * Keeps a log file that others append to below `maxBytes`, with one predecessor beside it. Its writers hold it
 * open, so it is copied and emptied rather than renamed; a line written in between is lost.
 */
export async function rotate(file: string, maxBytes: number): Promise<void> {
  if (!(await isOver(file, maxBytes))) return
  await copyFile(file, `${file}.1`)
  await truncate(file, 0)
}

/** The same of a log whose writers open it anew when they are told to (`reopen`), so that no line is lost. */
export async function rotateWith(reopen: () => Promise<void>, file: string, maxBytes: number): Promise<void> {
  if (!(await isOver(file, maxBytes))) return
  await rename(file, `${file}.1`)
  await reopen()
}

async function isOver(file: string, maxBytes: number): Promise<boolean> {
  const { size } = await stat(file).catch(() => ({ size: 0 }))
  return size > maxBytes
}

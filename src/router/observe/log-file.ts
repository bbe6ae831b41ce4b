import { constants, lstatSync, openSync, statSync } from 'node:fs'

/**
 * Opens a log for appending. As root not through a link that others may have put in its place, in a folder of theirs.
 * Throws where it cannot be had.
 */
export function openLog(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR, O_NONBLOCK } = constants
  const present = lstatSync(path, { throwIfNoEntry: false })
  const isLink = present?.isSymbolicLink() === true
  if (process.geteuid?.() === 0 && present !== undefined) {
    if (isLink && present.uid !== 0) throw new Error(`${path} is a link that is not root's: remove it`)
    if (present.isFile() && present.nlink > 1) throw new Error(`${path} has other names: remove it`)
  }
  // Otherwise it would be waited for until somebody reads it. So it is kept for a reader that comes back, too.
  if (isPipe(path)) return openSync(path, O_RDWR | O_NONBLOCK)
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | (isLink ? 0 : O_NOFOLLOW), 0o644)
}

/** Whether a log is a named pipe, whose reader sees its end when nobody has it open any more. */
export function isPipe(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFIFO() === true
}

import { closeSync, openSync, readFileSync } from 'node:fs'

/** Errors of a machine that has nothing left to connect with. */
export const ownErrors: ReadonlySet<unknown> = new Set([
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
])

/** How many files, and so connections, this process may have open: which Node has raised to its hard limit. */
export function openFilesLimit(): number {
  const line = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  // Unlimited is no number.
  return line === null ? Infinity : Number(line[1])
}

/** Why no file can be opened now; undefined: one can. */
export function fileShortage(): NodeJS.ErrnoException | undefined {
  try {
    closeSync(openSync('/dev/null', 'r'))
    return undefined
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

import { readFileSync } from 'node:fs'

/** How many files, and so connections, this process may have open: which Node has raised to its hard limit. */
export function openFilesLimit(): number {
  const line = /^Max open files +\S+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  // Unlimited is no number.
  return line === null ? Infinity : Number(line[1])
}

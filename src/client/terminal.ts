import { isatty } from 'node:tty'
import type { Terminal } from '../model/terminal.ts'

/** Facts about the terminal this process runs in; 80 by 24 where there is none. */
export function terminalFacts(): Terminal {
  const tty = { stdin: isatty(0), stdout: isatty(1), stderr: isatty(2) }
  const { columns, rows } = windowSize()
  const noColor = process.env['NO_COLOR']
  return { tty, columns, rows, color: tty.stdout && (noColor === undefined || noColor === '') }
}

/** Columns and rows of whichever stream is a terminal. */
export function windowSize(): { columns: number; rows: number } {
  const screen = isatty(1) ? process.stdout : isatty(2) ? process.stderr : undefined
  // A pseudo-terminal that nobody has sized says 0.
  return { columns: atLeastOne(screen?.columns, 80), rows: atLeastOne(screen?.rows, 24) }
}

const atLeastOne = (size: number | undefined, otherwise: number): number =>
  size === undefined || size < 1 ? otherwise : size

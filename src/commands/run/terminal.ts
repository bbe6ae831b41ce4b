import { type Terminal } from '../../model/terminal.ts'
import { type TerminalSize } from '../../schedulers/scheduler.ts'

/** The size of the caller's terminal, where both its input and its output are one. */
export function terminalOf({ tty, columns, rows }: Terminal): TerminalSize | undefined {
  return tty.stdin && tty.stdout ? { columns, rows } : undefined
}

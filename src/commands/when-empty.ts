import { type CommandIo } from './define.ts'

/** Somebody at a terminal would wonder at no output; a program that reads it would not. */
export async function tellEmpty({ terminal, stderr }: CommandIo, text: string): Promise<void> {
  if (terminal.tty.stderr) await stderr(`       ${text}\n`)
}

export const noLines = 'There are no such lines.'

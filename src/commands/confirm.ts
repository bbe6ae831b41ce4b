import { createInterface } from 'node:readline'
import { PaasError } from '../errors/paas-error.ts'
import { type CommandContext } from './define.ts'

/**
 * Destroying asks for the name, typed; `--confirm NAME` answers in advance. Without a terminal nobody can
 * type, so then the flag is required. Throws CONFIRMATION_REQUIRED.
 */
export async function confirmName(
  { io }: CommandContext,
  { name, given, consequence }: { name: string; given: string | undefined; consequence: string },
): Promise<void> {
  const answer = given ?? (io.terminal.tty.stdin ? await ask(io, consequence, name) : undefined)
  if (answer === name) return
  throw new PaasError(
    'CONFIRMATION_REQUIRED',
    answer === undefined
      ? `${consequence}; that needs to be confirmed.`
      : `${JSON.stringify(answer)} is not ${name}; nothing was done.`,
    { hint: `Say it with the name: --confirm ${name}` },
  )
}

async function ask(io: CommandContext['io'], consequence: string, name: string): Promise<string> {
  await io.stderr(` !     ${consequence}.\n !     To go on, type ${name}: `)
  for await (const line of createInterface({ input: io.stdin() })) return line.trim()
  return ''
}

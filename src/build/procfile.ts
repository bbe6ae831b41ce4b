import { PaasError } from '../errors/paas-error.ts'
import { ProcessType } from '../model/names.ts'
import { type Process } from '../model/release.ts'

/**
 * Parses a Procfile: `type: command` lines; blank lines and `#` comments are skipped, a `\` at a line's end
 * continues it. Commands are taken as they are; the last line of a type wins nothing: a second one is refused.
 */
export function parseProcfile(text: string): Record<ProcessType, Process> {
  const processes = new Map<ProcessType, Process>()
  const lines = text
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
  for (const line of lines) {
    if (/^\s*(#|$)/.test(line)) continue
    const match = /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/.exec(line)
    const type = ProcessType.safeParse(match?.[1])
    if (match === null) throw refused(`this line is not "type: command": ${JSON.stringify(line.trim())}`)
    if (!type.success) throw refused(`${JSON.stringify(match[1])}: ${type.error.issues[0]!.message}`)
    const command = match[2] ?? ''
    if (command === '') throw refused(`the process type ${type.data} has no command`)
    if (processes.has(type.data)) throw refused(`the process type ${type.data} is there twice`)
    processes.set(type.data, { command })
  }
  return Object.fromEntries(processes)
}

const refused = (reason: string): PaasError =>
  new PaasError('SOURCE_REFUSED', `Procfile: ${reason}.`, { hint: 'A line looks like: web: node server.js' })

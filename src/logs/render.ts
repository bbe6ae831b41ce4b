import { type LogLine } from './line.ts'

/** `2026-11-20T15:04:05.123456+00:00 app[web.1]: text`, as Heroku has it; each process in a colour of its own. */
export function renderLine({ time, source, process, text }: LogLine, color: boolean): string {
  const prefix = `${time.slice(0, 26)}+00:00 ${source}[${process}]:`
  return `${color ? `\x1b[${colorOf(source, process)}m${prefix}\x1b[0m` : prefix} ${text}\n`
}

/** The line of `--json`: a JSON object. */
export function renderJson({ time, source, process, stream, text }: LogLine): string {
  return `${JSON.stringify({ time, source, process, stream, text })}\n`
}

/** One of the terminal's colours that are neither black nor white; the same for a process every time. */
function colorOf(source: LogLine['source'], process: string): number {
  if (source === 'paas') return 90
  let sum = 0
  for (const char of process) sum = (sum * 31 + char.codePointAt(0)!) % 9973
  return 31 + (sum % 6)
}

import { z } from 'zod'
import { followLines, lastLines, type ProcessLine } from '../apps/process-logs.ts'
import { defineCommand } from './define.ts'
import { count } from './fields.ts'

export const logs = defineCommand({
  name: 'logs',
  summary: 'print what the processes of an app print',
  description:
    'Prints the last lines of all processes in time order. With --follow it goes on as lines come, also of ' +
    'containers that start later, until it is interrupted.',
  examples: ['paas logs -a blog', 'paas logs -a blog -f -t worker', 'paas logs -a blog -n 1000 --json'],
  access: 'read',
  app: 'required',
  flags: {
    follow: z.boolean().default(false).describe('go on as lines come').meta({ short: 'f' }),
    lines: count
      .default(100)
      .describe('how many lines to begin with (100)')
      .meta({ short: 'n', value: 'number' }),
    type: z
      .string()
      .optional()
      .describe('only a process type, as web, or a process, as web.1')
      .meta({ short: 't', value: 'type' }),
    json: z.boolean().default(false).describe('print each line as JSON: at, process, stream, text'),
  },
  async run({ app, flags }, { platform, io, signal }) {
    const render = (line: ProcessLine): string =>
      flags.json ? `${JSON.stringify(line)}\n` : renderLine(line, io.terminal.color)
    const { scheduler, store } = platform
    const past = await lastLines(scheduler, app, { count: flags.lines, filter: flags.type })
    for (const line of past.lines) await io.stdout(render(line))
    if (!flags.follow) return
    const exists = async () => (await store.apps.get(app.id)) !== undefined
    const options = { filter: flags.type, shown: past.shown, signal, exists }
    await followLines(scheduler, app, options, (line) => io.stdout(render(line)))
  },
})

/** `2026-11-20T15:04:05.123+00:00 app[web.1]: text`, as Heroku has it; each process in a colour of its own. */
export function renderLine({ at, process, text }: ProcessLine, color: boolean): string {
  const prefix = `${at.toISOString().replace('Z', '+00:00')} app[${process}]:`
  return `${color ? `\x1b[${colorOf(process)}m${prefix}\x1b[0m` : prefix} ${text}\n`
}

/** One of the six colours of a terminal that are neither black nor white; the same for a process every time. */
function colorOf(process: string): number {
  let sum = 0
  for (const char of process) sum = (sum * 31 + char.codePointAt(0)!) % 9973
  return 31 + (sum % 6)
}

import { z } from 'zod'
import { refuseUnknownName } from '../deploy/log-names.ts'
import { type LogLine, logTime } from '../logs/line.ts'
import { renderJson, renderLine } from '../logs/render.ts'
import { showLogs } from '../logs/show.ts'
import { defineCommand } from './define.ts'
import { count, moment } from './fields.ts'
import { noLines, tellEmpty } from './when-empty.ts'

/** With --since and no number, so many lines at most: what fits into memory many times over. */
const mostLines = 100_000

export const logs = defineCommand({
  name: 'logs',
  summary: 'print what an app, and paas about it, have said',
  description:
    'Prints the last lines in time order: of all processes of the app, one-off and cron ones too, of builds, release ' +
    'tasks and deploys, and of the router. They outlive containers and releases, until 64 MiB of newer ones have come. ' +
    'With --follow it goes on as lines come, until it is interrupted. A type that the app never had is refused.',
  examples: [
    'paas logs -a blog',
    'paas logs -a blog -f -t worker',
    'paas logs -a blog -t router -n 1000 --json',
    'paas logs -a blog --since 2h',
  ],
  access: 'read',
  app: 'required',
  flags: {
    follow: z.boolean().default(false).describe('go on as lines come').meta({ short: 'f' }),
    lines: count
      .optional()
      .describe('how many lines to begin with (100; all with --since)')
      .meta({ short: 'n', value: 'number' }),
    type: z
      .string()
      .optional()
      .describe('only a process type, as web, or a process, as web.1; or build, release, deploy, router')
      .meta({ short: 't', value: 'type' }),
    since: moment
      .optional()
      .describe('only what is newer: 30s, 10m, 2h, 7d, or a time')
      .meta({ value: 'when' }),
    json: z.boolean().default(false).describe('print each line as JSON: time, source, process, stream, text'),
  },
  async run({ app, flags }, { platform, io, signal }) {
    if (flags.type !== undefined) await refuseUnknownName(platform, app, flags.type)
    const render = (line: LogLine): string =>
      flags.json ? renderJson(line) : renderLine(line, io.terminal.color)
    const query = {
      count: flags.lines ?? (flags.since === undefined ? 100 : mostLines),
      since: flags.since === undefined ? undefined : logTime(flags.since(platform.now())),
      filter: flags.type,
      now: platform.now(),
      follow: flags.follow,
      signal,
    }
    let shown = 0
    await showLogs(platform.logs, app.id, query, async (lines, dropped) => {
      shown += lines.length
      if (dropped > 0)
        await io.stderr(` !     ${dropped} lines were overwritten before they could be shown\n`)
      for (let i = 0; i < lines.length; i += 1000) {
        await io.stdout(
          lines
            .slice(i, i + 1000)
            .map(render)
            .join(''),
        )
      }
    })
    if (shown === 0 && !flags.follow) await tellEmpty(io, noLines)
  },
})

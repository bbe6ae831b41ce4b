import { z } from 'zod'
import { findEntry } from '../../cron/find.ts'
import { cronType } from '../../cron/run.ts'
import { renderJson, renderLine } from '../../logs/render.ts'
import { showLogs } from '../../logs/show.ts'
import { defineCommand } from '../define.ts'
import { count } from '../fields.ts'
import { noLines, tellEmpty } from '../when-empty.ts'

export const cronLogs = defineCommand({
  name: 'cron:logs',
  summary: 'print what the runs of a cron entry have printed',
  examples: ['paas cron:logs -a blog cleanup', 'paas cron:logs -a blog cleanup -f'],
  access: 'read',
  app: 'required',
  args: { name: z.string().describe('name of a cron entry') },
  flags: {
    follow: z.boolean().default(false).describe('go on as lines come').meta({ short: 'f' }),
    lines: count
      .default(100)
      .describe('how many lines to begin with (100)')
      .meta({ short: 'n', value: 'number' }),
    json: z.boolean().default(false).describe('print each line as JSON'),
  },
  async run({ app, args, flags }, { platform, io, signal }) {
    const { entry } = await findEntry(platform, app, args.name)
    const { follow, lines: most } = flags
    const filter = cronType(entry.name)
    const query = { count: most, since: undefined, filter, now: platform.now(), follow, signal }
    let shown = 0
    await showLogs(platform.logs, app.id, query, (lines) => {
      shown += lines.length
      return io.stdout(
        lines.map((line) => (flags.json ? renderJson(line) : renderLine(line, io.terminal.color))).join(''),
      )
    })
    if (shown === 0 && !follow) await tellEmpty(io, noLines)
  },
})

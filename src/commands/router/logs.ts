import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { lookEveryMs, openTail } from '../../logs/tail.ts'
import { defineCommand } from '../define.ts'
import { count } from '../fields.ts'

/** What is looked through for the last lines, and what may come between two looks. */
const mostBytes = 8 * 1024 * 1024

type Lines = { lines: string[]; skipped: number }
const nothing: Lines = { lines: [], skipped: 0 }

async function last(file: string): Promise<Lines> {
  await using tail = await openTail(file, 'start', mostBytes)
  return await tail.look()
}

export const routerLogs = defineCommand({
  name: 'router:logs',
  summary: 'print the access log of the router',
  description:
    "Prints the last requests of all hosts, a line each in Hipache's format: address, time, request, status, bytes, " +
    "referer, user agent, the route's identifier, and the seconds that it took, in all and at the backend. An app's own " +
    'are in its logs: paas logs -a APP -t router.',
  examples: ['paas router:logs', 'paas router:logs -f', 'paas router:logs -n 1000'],
  access: 'admin',
  app: 'none',
  flags: {
    follow: z.boolean().default(false).describe('go on as lines come').meta({ short: 'f' }),
    lines: count.default(100).describe('how many lines to begin with').meta({ short: 'n', value: 'number' }),
  },
  async run({ flags }, { platform, io, signal }) {
    const say = async (lines: string[]): Promise<void> => {
      if (lines.length > 0) await io.stdout(Buffer.from(`${lines.join('\n')}\n`, 'latin1'))
    }
    const { accessLog } = platform.paths
    await using tail = await openTail(accessLog, 'start', mostBytes)
    const before = await tail.look()
    // The log may have been rotated a moment ago.
    const older =
      before.skipped === 0 && before.lines.length < flags.lines ? await last(`${accessLog}.1`) : nothing
    const lines = [...older.lines, ...before.lines]
    const skipped = older.skipped + before.skipped
    if (skipped > 0 && lines.length < flags.lines) {
      await io.stderr(` !     ${skipped} bytes before these lines are not shown\n`)
    }
    await say(flags.lines === 0 ? [] : lines.slice(-flags.lines))
    while (flags.follow && !signal.aborted) {
      await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined)
      const { lines, skipped } = await tail.look()
      if (skipped > 0) await io.stderr(` !     ${skipped} bytes came too fast and are not shown\n`)
      await say(lines)
    }
  },
})

import { z } from 'zod'
import { cronOf } from '../../cron/find.ts'
import { timeAfter } from '../../cron/schedule.ts'
import { own } from '../../lib/own.ts'
import { CronRun } from '../../model/cron-run.ts'
import { CronEntry } from '../../model/release.ts'
import { defineCommand } from '../define.ts'
import { ago, table } from '../render.ts'

export const cronList = defineCommand({
  name: 'cron:list',
  aliases: ['cron'],
  summary: 'list what an app runs by the clock',
  description:
    'Lists the cron entries of the live release, from app.json: the next run, and how the last one ended.',
  examples: ['paas cron -a blog', 'paas cron -a blog --json'],
  whenEmpty: 'There are no cron entries; they are in app.json.',
  access: 'read',
  app: 'required',
  result: z.array(
    CronEntry.extend({
      paused: z.boolean(),
      /** null: paused. */
      next: z.string().nullable(),
      last: CronRun.extend({ seconds: z.number().nullable() }).nullable(),
    }),
  ),
  async run({ app }, { platform }) {
    const { entries } = await cronOf(platform, app)
    const runs = await platform.store.cronRuns.all(app.id)
    return entries.map((entry) => {
      const paused = app.pausedCron?.includes(entry.name) === true
      const next = paused ? undefined : timeAfter(entry.schedule, entry.timezone, platform.now())
      const last = own(runs, entry.name)
      const ended = last?.finishedAt
      const seconds = ended === undefined ? null : (Date.parse(ended) - Date.parse(last!.startedAt)) / 1000
      return { ...entry, paused, next: next?.toISOString() ?? null, last: last ? { ...last, seconds } : null }
    })
  },
  render: (entries) =>
    entries.length === 0
      ? ''
      : table([
          ['NAME', 'SCHEDULE', 'NEXT', 'LAST', 'ENDED', 'COMMAND'],
          ...entries.map(({ name, schedule, timezone, paused, next, last, command }) => [
            name,
            timezone === 'UTC' ? schedule : `${schedule} (${timezone})`,
            paused ? 'paused' : (next?.slice(0, 19).replace('T', ' ') ?? ''),
            last === null ? 'never' : ago(new Date(last.startedAt), new Date()),
            last === null ? '' : ended(last),
            command.split('\n')[0]!,
          ]),
        ]),
})

function ended({
  exitCode,
  seconds,
  reason,
}: {
  exitCode?: number | undefined
  seconds: number | null
  reason?: string | undefined
}): string {
  if (exitCode === undefined) return 'it runs'
  return `exit code ${exitCode} after ${(seconds ?? 0).toFixed(1)} s${reason === undefined ? '' : `, ${reason}`}`
}

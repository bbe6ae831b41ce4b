import { z } from 'zod'
import { Event } from '../model/event.ts'
import { defineCommand } from './define.ts'
import { count } from './fields.ts'
import { ago, table } from './render.ts'

export const events = defineCommand({
  name: 'events',
  topic: 'server',
  summary: 'list what somebody should see to: backups, copies and drills that failed',
  description:
    'Lists the newest events, the oldest of them first. Other programs can wait for them in the stream paas:events of ' +
    'Redis, and an executable of an event’s name in /etc/paas/hooks is started by each.',
  examples: ['paas events', 'paas events -n 5 --json'],
  access: 'admin',
  app: 'none',
  flags: {
    lines: count.optional().describe('how many (20)').meta({ short: 'n', value: 'number' }),
  },
  result: z.array(Event),
  // Redis takes a count of 0 for all.
  run: ({ flags: { lines = 20 } }, { platform }) =>
    lines === 0 ? Promise.resolve([]) : platform.store.events.last(lines),
  render: (found) =>
    found.length === 0
      ? 'Nothing has happened that needs anybody.\n'
      : table(
          found.map(({ at, name, facts }) => [
            ago(new Date(at), new Date()),
            name,
            Object.entries(facts)
              .map(([what, value]) => `${what}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
              .join(', '),
          ]),
        ),
})

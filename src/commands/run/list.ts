import { z } from 'zod'
import { defineCommand } from '../define.ts'
import { ago, table } from '../render.ts'

export const runList = defineCommand({
  name: 'run:list',
  summary: 'list the one-off processes that run',
  examples: ['paas run:list -a blog', 'paas run:list -a blog --json'],
  whenEmpty: 'No one-off process runs.',
  access: 'read',
  app: 'required',
  result: z.array(
    z.object({
      name: z.string(),
      command: z.string().nullable(),
      since: z.string().nullable(),
      release: z.int(),
      /** True where somebody's terminal or pipe is at its other end. */
      attached: z.boolean(),
    }),
  ),
  async run({ app }, { platform }) {
    const containers = await platform.scheduler.list(app.id)
    return containers
      .filter(({ oneOff, running }) => oneOff && running)
      .map(({ slot, command, startedAt, release, attached }) => ({
        name: `${slot.type}.${slot.index}`,
        command: command ?? null,
        since: startedAt?.toISOString() ?? null,
        release,
        attached,
      }))
  },
  render: (processes) =>
    table(
      processes.map(({ name, command, since, release, attached }) => [
        name,
        `v${release}`,
        since === null ? '' : ago(new Date(since), new Date()),
        attached ? 'attached' : 'detached',
        command?.split('\n')[0] ?? '',
      ]),
    ),
})

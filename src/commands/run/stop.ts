import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { defineCommand } from '../define.ts'

/** Seconds between SIGTERM and SIGKILL. */
const grace = 10

export const runStop = defineCommand({
  name: 'run:stop',
  summary: 'stop one-off processes',
  description:
    'Stops one-off processes by name, or all of the app with --all: SIGTERM, and SIGKILL after 10 s.',
  examples: ['paas run:stop -a blog run.4821', 'paas run:stop -a blog --all'],
  access: 'deploy',
  app: 'required',
  args: { names: z.array(z.string()).default([]).describe('names from run:list') },
  flags: { all: z.boolean().default(false).describe('every one-off process of the app') },
  result: z.object({ stopped: z.array(z.string()) }),
  async run({ app, args, flags }, { platform }) {
    if (flags.all === args.names.length > 0) {
      throw new PaasError('INVALID_INPUT', 'Give names of one-off processes, or --all.', {
        hint: `What runs: paas run:list -a ${app.name}`,
      })
    }
    const containers = await platform.scheduler.list(app.id)
    const running = containers
      .filter(({ oneOff, running }) => oneOff && running)
      .map((container) => ({ ...container, name: `${container.slot.type}.${container.slot.index}` }))
    const unknown = args.names.find((name) => !running.some((one) => one.name === name))
    if (unknown !== undefined) {
      throw new PaasError('NOT_FOUND', `No one-off process ${JSON.stringify(unknown)} runs.`, {
        hint: `What runs: paas run:list -a ${app.name}`,
      })
    }
    const chosen = running.filter(({ name }) => flags.all || args.names.includes(name))
    await Promise.all(chosen.map(({ id }) => platform.scheduler.stop(id, grace)))
    return { stopped: chosen.map(({ name }) => name) }
  },
  render: ({ stopped }) => (stopped.length === 0 ? 'Nothing ran.\n' : `Stopped ${stopped.join(', ')}.\n`),
})

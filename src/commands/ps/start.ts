import { z } from 'zod'
import { setPower } from '../../deploy/power.ts'
import { defineCommand } from '../define.ts'
import { deployContext } from '../deploying.ts'

export const psStart = defineCommand({
  name: 'ps:start',
  aliases: ['apps:start'],
  summary: 'start processes that ps:stop has stopped',
  examples: ['paas ps:start -a blog', 'paas ps:start -a blog worker'],
  access: 'deploy',
  app: 'required',
  args: { names: z.array(z.string()).default([]).describe('types, as web, or processes, as web.1') },
  result: z.object({ app: z.string(), stopped: z.array(z.string()) }),
  async run({ app, args }, context) {
    return { app: app.name, stopped: await setPower(app, args.names, 'start', deployContext(context)) }
  },
  render: ({ app, stopped }) =>
    stopped.length === 0
      ? `All of ${app} is started.\n`
      : `Still stopped of ${app}: ${stopped.join(', ')}.\n`,
})

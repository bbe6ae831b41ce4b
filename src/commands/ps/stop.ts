import { z } from 'zod'
import { setPower } from '../../deploy/power.ts'
import { defineCommand } from '../define.ts'
import { deployContext } from '../deploying.ts'

export const psStop = defineCommand({
  name: 'ps:stop',
  aliases: ['apps:stop'],
  summary: 'stop processes of an app',
  description:
    'Stops processes and keeps them stopped, through releases and reboots, until ps:start. What is scaled stays ' +
    'scaled. Without names it stops all of the app.',
  examples: ['paas ps:stop -a blog', 'paas ps:stop -a blog worker web.2'],
  access: 'deploy',
  app: 'required',
  args: { names: z.array(z.string()).default([]).describe('types, as web, or processes, as web.1') },
  result: z.object({ app: z.string(), stopped: z.array(z.string()) }),
  async run({ app, args }, context) {
    return { app: app.name, stopped: await setPower(app, args.names, 'stop', deployContext(context)) }
  },
  render: ({ app, stopped }) => `Stopped now of ${app}: ${stopped.join(', ') || 'nothing'}.\n`,
})

import { z } from 'zod'
import { pauseCron } from '../../cron/pause.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const cronPause = defineCommand({
  name: 'cron:pause',
  summary: 'stop running a cron entry by the clock',
  description: 'Keeps an entry from running until cron:resume; a run that has begun goes on.',
  examples: ['paas cron:pause -a blog cleanup'],
  access: 'deploy',
  app: 'required',
  args: { name: z.string().describe('name of a cron entry') },
  result: z.object({ app: z.string(), name: z.string() }),
  async run({ app, args }, context) {
    await pauseCron(context.platform, app, { name: args.name, paused: true }, askerOf(context))
    return { app: app.name, name: args.name }
  },
  render: ({ name }) => `${name} is paused.\n`,
})

import { z } from 'zod'
import { pauseCron } from '../../cron/pause.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const cronResume = defineCommand({
  name: 'cron:resume',
  summary: 'run a paused cron entry by the clock again',
  description: 'Lets an entry run again; times that passed meanwhile are not made up for.',
  examples: ['paas cron:resume -a blog cleanup'],
  access: 'deploy',
  app: 'required',
  args: { name: z.string().describe('name of a cron entry') },
  result: z.object({ app: z.string(), name: z.string() }),
  async run({ app, args }, context) {
    await pauseCron(context.platform, app, { name: args.name, paused: false }, askerOf(context))
    return { app: app.name, name: args.name }
  },
  render: ({ name }) => `${name} runs again.\n`,
})

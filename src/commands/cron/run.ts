import { z } from 'zod'
import { findEntry } from '../../cron/find.ts'
import { startRun } from '../../cron/run.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { defineCommand } from '../define.ts'

export const cronRun = defineCommand({
  name: 'cron:run',
  summary: 'run a cron entry now',
  description: 'Starts a run of a cron entry now, paused or not, under its own overlap policy and timeout.',
  examples: ['paas cron:run -a blog cleanup'],
  access: 'deploy',
  app: 'required',
  args: { name: z.string().describe('name of a cron entry') },
  result: z.object({ app: z.string(), process: z.string() }),
  async run({ app, args }, { platform }) {
    const { release, entry } = await findEntry(platform, app, args.name)
    const process = await startRun(platform, { app, release }, entry, undefined)
    if (process !== undefined) return { app: app.name, process }
    throw new PaasError('APP_LOCKED', `${entry.name} runs already, and forbids a second run.`, {
      hint: `What runs: paas run:list -a ${app.name}`,
    })
  },
  render: ({ app, process }) => `Started ${process}. Its output: paas logs -a ${app} -t ${process}\n`,
})

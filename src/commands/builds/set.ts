import { z } from 'zod'
import { Settings } from '../../model/settings.ts'
import { defineCommand } from '../define.ts'

export const buildsSet = defineCommand({
  name: 'builds:set',
  summary: 'set how many builds run at once on the server',
  description: 'Sets how many builds run at once; more wait. Without a flag it shows what is set.',
  examples: ['paas builds:set --concurrency 1', 'paas builds:set'],
  access: 'admin',
  app: 'none',
  flags: {
    concurrency: z
      .string()
      .transform(Number)
      .pipe(Settings.shape.buildConcurrency.unwrap())
      .optional()
      .describe('builds at once, 1 to 64')
      .meta({ value: 'number' }),
  },
  result: z.object({ buildConcurrency: z.int() }),
  async run({ flags }, { platform }) {
    const { settings } = platform.store
    const before = await settings.get()
    if (flags.concurrency === undefined) return { buildConcurrency: before.buildConcurrency }
    await settings.save({ ...before, buildConcurrency: flags.concurrency })
    return { buildConcurrency: flags.concurrency }
  },
  render: ({ buildConcurrency }) =>
    `${buildConcurrency} build${buildConcurrency === 1 ? ' runs' : 's run'} at once.\n`,
})

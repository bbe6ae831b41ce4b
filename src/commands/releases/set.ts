import { z } from 'zod'
import { appQueue } from '../../apps/queue.ts'
import { pruneImages } from '../../deploy/retention.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const releasesSet = defineCommand({
  name: 'releases:set',
  summary: 'set how many releases of an app keep their images',
  description:
    'Sets how many of the releases that were live can be rolled back to (10), and removes images beyond that. The live ' +
    'one, and the one before it, always can.',
  examples: ['paas releases:set -a blog --keep 5'],
  access: 'deploy',
  app: 'required',
  flags: {
    keep: z
      .string()
      .regex(/^[1-9]\d{0,2}$/, 'give a number from 1 to 999')
      .transform(Number)
      .describe('how many')
      .meta({ value: 'number' }),
  },
  result: z.object({ app: z.string(), keep: z.int(), removed: z.array(z.string()) }),
  async run({ app, flags }, context) {
    const { platform } = context
    const who = { ...askerOf(context), verb: 'releases:set' }
    const removed = await appQueue(platform, app, who, async (current) => {
      await platform.store.apps.save({ ...current, keepReleases: flags.keep })
      return pruneImages(current, { platform }, flags.keep)
    })
    return { app: app.name, keep: flags.keep, removed }
  },
  render: ({ app, keep, removed }) =>
    `${app} keeps the images of ${keep} release${keep === 1 ? '' : 's'}; removed: ${removed.length}.\n`,
})

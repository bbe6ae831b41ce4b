import { z } from 'zod'
import { changeBuildSettings } from '../../apps/build-settings.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const buildsClearCache = defineCommand({
  name: 'builds:clear-cache',
  aliases: ['repo:purge-cache'],
  summary: 'let the next build of an app start without a cache',
  description:
    'The next build takes nothing from cache: every step runs anew, and downloads are made again. What runs stays. For ' +
    'one push alone: git push -o clear-cache paas main.',
  examples: ['paas builds:clear-cache -a blog'],
  access: 'deploy',
  app: 'required',
  result: z.object({ app: z.string() }),
  async run({ app }, context) {
    const who = { ...askerOf(context), verb: 'builds:clear-cache' }
    await changeBuildSettings(context.platform, app, () => ({ clearCache: true }), who)
    return { app: app.name }
  },
  render: ({ app }) => `The next build of ${app} starts without a cache.\n`,
})

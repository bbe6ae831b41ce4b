import { z } from 'zod'
import { drainUrl } from '../../apps/drains.ts'
import { shownUrl } from '../../logs/sender.ts'
import { defineCommand } from '../define.ts'
import { table } from '../render.ts'

export const drainsList = defineCommand({
  name: 'drains:list',
  aliases: ['drains'],
  summary: 'list where the logs of an app are sent',
  description:
    'Lists the drains of an app, with how many lines were sent and dropped, and what goes wrong if it does.',
  examples: ['paas drains -a blog', 'paas drains -a blog --json'],
  whenEmpty: 'There are no drains: paas drains:add -a APP URL',
  access: 'read',
  app: 'required',
  result: z.array(
    z.object({
      id: z.string(),
      url: z.string(),
      sent: z.int(),
      dropped: z.int(),
      problem: z.string().nullable(),
    }),
  ),
  async run({ app }, { platform }) {
    return (app.drains ?? []).map((drain) => {
      const stats = platform.drains.stats(drain.id) ?? { sent: 0, dropped: 0, problem: null }
      return { id: drain.id, url: shownUrl(drainUrl(platform, app, drain)), ...stats }
    })
  },
  render: (drains) =>
    table(
      drains.map(({ id, url, sent, dropped, problem }) => [
        id,
        url,
        `${sent} sent`,
        `${dropped} dropped`,
        problem ?? 'well',
      ]),
    ),
})

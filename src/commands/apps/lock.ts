import { z } from 'zod'
import { setLock } from '../../apps/lock.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const appsLock = defineCommand({
  name: 'apps:lock',
  summary: 'refuse whatever changes what runs of an app',
  description:
    'Refuses pushes, config changes, scaling, restarts and rollbacks of an app, telling the reason, until apps:unlock. ' +
    'What crashes is started again all the same. It waits for a deploy that runs. What somebody else has locked is ' +
    'refused, so that their reason stays.',
  examples: ['paas apps:lock -a blog "data is being moved, ask Ann"'],
  access: 'deploy',
  app: 'required',
  args: {
    reason: z
      .string()
      .trim()
      .min(1, 'say why')
      .max(200, 'give at most 200 characters')
      .describe('why, for those who are refused'),
  },
  result: z.object({ app: z.string(), reason: z.string(), by: z.string(), at: z.string() }),
  async run({ app, args }, context) {
    const { lock } = await setLock(context.platform, app, args.reason, askerOf(context))
    return { app: app.name, ...lock! }
  },
  render: ({ app, reason }) => `${app} is locked: ${reason}\n`,
})

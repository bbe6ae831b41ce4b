import { z } from 'zod'
import { setLock } from '../../apps/lock.ts'
import { identityName } from '../../model/key.ts'
import { defineCommand } from '../define.ts'

export const appsLock = defineCommand({
  name: 'apps:lock',
  summary: 'refuse whatever changes what runs of an app',
  description:
    'Refuses pushes, config changes, scaling, restarts and rollbacks of an app, telling the reason, until apps:unlock. ' +
    'What crashes is started again all the same. It waits for a deploy that runs.',
  examples: ['paas apps:lock -a blog "data is being moved, ask Ann"'],
  access: 'deploy',
  app: 'required',
  args: { reason: z.string().trim().min(1).max(200).describe('why, for those who are refused') },
  result: z.object({ app: z.string(), reason: z.string(), by: z.string(), at: z.string() }),
  async run({ app, args }, { platform, identity }) {
    const { lock } = await setLock(platform, app, args.reason, identityName(identity))
    return { app: app.name, ...lock! }
  },
  render: ({ app, reason }) => `${app} is locked: ${reason}\n`,
})

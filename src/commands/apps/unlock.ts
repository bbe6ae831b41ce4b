import { z } from 'zod'
import { setLock } from '../../apps/lock.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const appsUnlock = defineCommand({
  name: 'apps:unlock',
  summary: 'allow changes of a locked app again',
  description: 'Allows changes again. An app that is not locked is fine.',
  examples: ['paas apps:unlock -a blog'],
  access: 'deploy',
  app: 'required',
  result: z.object({ app: z.string() }),
  async run({ app }, context) {
    await setLock(context.platform, app, undefined, askerOf(context))
    return { app: app.name }
  },
  render: ({ app }) => `${app} is not locked.\n`,
})

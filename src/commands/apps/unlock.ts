import { z } from 'zod'
import { setLock } from '../../apps/lock.ts'
import { identityName } from '../../model/key.ts'
import { defineCommand } from '../define.ts'

export const appsUnlock = defineCommand({
  name: 'apps:unlock',
  summary: 'allow changes of a locked app again',
  description: 'Allows changes again. An app that is not locked is fine.',
  examples: ['paas apps:unlock -a blog'],
  access: 'deploy',
  app: 'required',
  result: z.object({ app: z.string() }),
  async run({ app }, { platform, identity }) {
    await setLock(platform, app, undefined, identityName(identity))
    return { app: app.name }
  },
  render: ({ app }) => `${app} is not locked.\n`,
})

import { z } from 'zod'
import { createApp } from '../../apps/create.ts'
import { urlsOf } from '../../apps/hosts.ts'
import { identityName } from '../../model/key.ts'
import { AppName } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { remoteOf } from './remote.ts'

export const appsCreate = defineCommand({
  name: 'apps:create',
  aliases: ['create'],
  summary: 'create an app',
  description:
    'Creates an app. Without a name, one is made up. The first push to a new name creates its app too.',
  examples: ['paas apps:create blog', 'paas apps:create'],
  access: 'manage',
  app: 'none',
  args: { name: AppName.optional().describe('lower-case letters, digits and hyphens') },
  result: z.object({ name: z.string(), url: z.string(), remote: z.string() }),
  async run({ args }, { platform, identity }) {
    const app = await createApp(platform, args.name, identityName(identity))
    const { instance } = platform
    return { name: app.name, url: urlsOf(app, instance)[0]!, remote: remoteOf(app, instance) }
  },
  render: ({ name, url, remote }) =>
    `${name}\n       will answer at ${url}\n       git remote add paas ${remote}\n       git push paas main\n`,
})

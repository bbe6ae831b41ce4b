import { z } from 'zod'
import { urlsOf } from '../../apps/hosts.ts'
import { renameApp } from '../../apps/rename.ts'
import { AppName } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'
import { remoteOf } from './remote.ts'

export const appsRename = defineCommand({
  name: 'apps:rename',
  aliases: ['rename'],
  summary: 'give an app another name',
  description:
    'Gives an app another name and host. It answers there at once, and at the old host no longer. Nothing restarts.',
  examples: ['paas apps:rename -a blog journal'],
  access: 'manage',
  app: 'required',
  args: { name: AppName.describe('the new name: lower-case letters, digits and hyphens') },
  result: z.object({ name: z.string(), url: z.string(), remote: z.string() }),
  async run({ app, args }, context) {
    const { platform } = context
    const { instance } = platform
    const renamed = await renameApp(platform, app, args.name, askerOf(context))
    return {
      name: renamed.name,
      url: urlsOf(renamed, instance)[0]!,
      remote: remoteOf(renamed, instance),
    }
  },
  render: ({ name, url, remote }) =>
    `${name}\n       answers at ${url}\n       git remote set-url paas ${remote}\n`,
})

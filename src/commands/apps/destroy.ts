import { z } from 'zod'
import { destroyApp } from '../../apps/destroy.ts'
import { confirmName } from '../confirm.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const appsDestroy = defineCommand({
  name: 'apps:destroy',
  aliases: ['destroy'],
  summary: 'remove an app and all that is its',
  description:
    'Removes an app: its containers, images, repository, config, logs and routes, and its storage with the files in ' +
    'it. Services that it is linked to, and backups, stay. Asks for its name first.',
  examples: ['paas apps:destroy -a blog', 'paas apps:destroy -a blog --confirm blog'],
  access: 'manage',
  app: 'required',
  flags: {
    confirm: z
      .string()
      .optional()
      .describe('the name of the app, instead of typing it')
      .meta({ value: 'name' }),
  },
  result: z.object({ name: z.string() }),
  async run({ app, flags }, context) {
    const storage = [...new Set((app.mounts ?? []).map((mount) => mount.name))]
    const named = storage.length === 0 ? '' : ` (${storage.join(', ')})`
    await confirmName(context, {
      name: app.name,
      given: flags.confirm,
      consequence: `This removes ${app.name} with its containers, images, repository, config, logs and storage${named} for good`,
    })
    await destroyApp(context.platform, app, askerOf(context))
    return { name: app.name }
  },
  render: ({ name }) => `${name} is gone.\n`,
})

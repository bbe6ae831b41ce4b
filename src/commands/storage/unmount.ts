import { z } from 'zod'
import { parseMount, withoutMount } from '../../apps/storage.ts'
import { changeMounts } from '../../deploy/mounts.ts'
import { defineCommand } from '../define.ts'
import { serviceContext } from '../services/context.ts'

export const storageUnmount = defineCommand({
  name: 'storage:unmount',
  summary: 'take a folder from an app; what is in it stays',
  description: 'Mounting the same name again brings the files back; they go with the app itself.',
  examples: ['paas storage:unmount blog uploads:/app/uploads'],
  access: 'manage',
  app: 'required',
  args: { mount: z.string().transform(parseMount).describe('NAME:/path') },
  result: z.object({ app: z.string(), name: z.string(), path: z.string() }),
  async run({ app, args: { mount } }, context) {
    await changeMounts(
      app,
      'storage:unmount',
      (current) => withoutMount(current, mount),
      serviceContext(context),
    )
    return { app: app.name, ...mount }
  },
  render: ({ app, name, path }) => `${app} has ${name} at ${path} no more.\n`,
})

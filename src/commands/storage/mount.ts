import { z } from 'zod'
import { parseMount, withMount } from '../../apps/storage.ts'
import { prepareVolume } from '../../backups/storage-source.ts'
import { changeMounts } from '../../deploy/mounts.ts'
import { defineCommand } from '../define.ts'
import { serviceContext } from '../services/context.ts'

export const storageMount = defineCommand({
  name: 'storage:mount',
  summary: 'give an app a folder that outlives its containers',
  description:
    'Every container of the app has the folder at that path, from a restart on; what the image has there is what it ' +
    'begins with. The same name at another path is the same folder.',
  examples: [
    'paas storage:mount blog uploads:/app/uploads',
    'paas storage:mount uploads:/app/uploads -a blog',
  ],
  access: 'manage',
  app: 'required',
  args: { mount: z.string().transform(parseMount).describe('NAME:/path') },
  result: z.object({ app: z.string(), name: z.string(), path: z.string() }),
  async run({ app, args: { mount } }, context) {
    const at = serviceContext(context)
    withMount(app, mount)
    await prepareVolume(app, mount.name, at)
    await changeMounts(app, 'storage:mount', (current) => withMount(current, mount), at)
    return { app: app.name, ...mount }
  },
  render: ({ app, name, path }) => `${app} has ${name} at ${path}.\n`,
})

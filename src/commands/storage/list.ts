import { z } from 'zod'
import { appVolume, storageContents, withVolume } from '../../backups/storage-source.ts'
import { defineCommand } from '../define.ts'
import { table } from '../render.ts'
import { serviceContext } from '../services/context.ts'
import { bytes } from '../services/fields.ts'

export const storageList = defineCommand({
  name: 'storage:list',
  aliases: ['storage'],
  summary: 'list the storage of an app with its size',
  examples: ['paas storage:list blog', 'paas storage:list -a blog --json'],
  whenEmpty: 'There is no storage: paas storage:mount -a APP NAME:/path',
  access: 'read',
  app: 'required',
  result: z.array(z.object({ name: z.string(), path: z.string(), files: z.int(), bytes: z.int() })),
  async run({ app }, context) {
    const at = serviceContext(context)
    return Promise.all(
      (app.mounts ?? []).map(async ({ name, path }) => {
        const found = await withVolume(appVolume(app, name, at), at, (container) =>
          storageContents(container, at),
        )
        return { name, path, files: found['files'] ?? 0, bytes: found['bytes'] ?? 0 }
      }),
    )
  },
  render: (mounts) =>
    table(
      mounts.map(({ name, path, files, bytes: size }) => [`${name}:${path}`, bytes(size), `${files} files`]),
    ),
})

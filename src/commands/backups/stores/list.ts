import { z } from 'zod'
import { defineCommand } from '../../define.ts'
import { table } from '../../render.ts'

export const backupsStoresList = defineCommand({
  name: 'backups:stores:list',
  aliases: ['backups:stores'],
  summary: 'list the off-site stores',
  examples: ['paas backups:stores:list'],
  access: 'manage',
  app: 'none',
  result: z.array(z.object({ name: z.string(), url: z.string(), endpoint: z.string().nullable() })),
  async run(_input, { platform }) {
    return (await platform.store.backups.stores.all()).map(([, { name, bucket, prefix, endpoint }]) => ({
      name,
      url: `s3://${bucket}/${prefix}`,
      endpoint: endpoint ?? null,
    }))
  },
  render: (stores) => table(stores.map(({ name, url, endpoint }) => [name, url, endpoint ?? ''])),
})

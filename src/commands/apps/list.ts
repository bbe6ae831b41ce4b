import { z } from 'zod'
import { defineCommand } from '../define.ts'

export const appsList = defineCommand({
  name: 'apps:list',
  aliases: ['apps'],
  summary: 'list the apps',
  examples: ['paas apps:list', 'paas apps:list --json'],
  whenEmpty: 'There are no apps yet: paas apps:create NAME',
  access: 'read',
  app: 'none',
  result: z.array(z.object({ name: z.string(), release: z.int().nullable(), createdAt: z.string() })),
  async run(_input, { platform, identity }) {
    const apps = await platform.store.apps.list()
    const visible = identity.via === 'ssh' ? identity.key.apps : undefined
    return apps
      .filter(({ name }) => visible === undefined || visible.includes(name))
      .map(({ name, currentRelease, createdAt }) => ({ name, release: currentRelease ?? null, createdAt }))
  },
  render: (apps) => apps.map(({ name }) => `${name}\n`).join(''),
})

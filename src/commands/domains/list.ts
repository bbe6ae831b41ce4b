import { z } from 'zod'
import { hostsOf } from '../../apps/hosts.ts'
import { defineCommand } from '../define.ts'

export const domainsList = defineCommand({
  name: 'domains:list',
  aliases: ['domains'],
  summary: 'list the hosts that an app answers on',
  examples: ['paas domains -a blog'],
  access: 'read',
  app: 'required',
  result: z.array(
    z.object({
      host: z.string(),
      /** own: the app's name below the base domain. custom: added with domains:add. */
      kind: z.enum(['own', 'custom']),
    }),
  ),
  async run({ app }, { platform }) {
    return hostsOf(app, platform.instance.domain).map((host, i) => ({
      host,
      kind: i === 0 ? ('own' as const) : ('custom' as const),
    }))
  },
  render: (hosts) => hosts.map(({ host }) => `${host}\n`).join(''),
})

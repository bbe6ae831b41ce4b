import { z } from 'zod'
import { removeDomains } from '../../apps/domains.ts'
import { Domain } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const domainsRemove = defineCommand({
  name: 'domains:remove',
  summary: 'take hosts away from an app',
  examples: ['paas domains:remove -a blog www.example.com'],
  access: 'manage',
  app: 'required',
  args: { domains: z.array(Domain).min(1, 'give at least one domain').describe('host names') },
  result: z.object({ app: z.string(), domains: z.array(z.string()) }),
  async run({ app, args }, context) {
    const changed = await removeDomains(context.platform, app, args.domains, askerOf(context))
    return { app: changed.name, domains: changed.domains }
  },
  render: ({ app, domains }) =>
    `${app} answers on ${domains.length === 0 ? 'its own host only' : domains.join(', ')}.\n`,
})

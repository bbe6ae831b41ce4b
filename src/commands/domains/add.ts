import { z } from 'zod'
import { addDomains } from '../../apps/domains.ts'
import { NewDomain } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const domainsAdd = defineCommand({
  name: 'domains:add',
  summary: 'let an app answer on more hosts',
  description:
    'Routes more hosts to an app, at once. *.example.com stands for every host one or more labels below example.com ' +
    'that is not named itself; a wildcard has at most five labels after its *. Point the DNS of each at this server.',
  examples: [
    'paas domains:add -a blog www.example.com',
    'paas domains:add -a blog example.com *.example.com',
  ],
  access: 'manage',
  app: 'required',
  args: { domains: z.array(NewDomain).min(1, 'give at least one domain').describe('host names') },
  result: z.object({ app: z.string(), domains: z.array(z.string()) }),
  async run({ app, args }, context) {
    const changed = await addDomains(context.platform, app, args.domains, askerOf(context))
    return { app: changed.name, domains: changed.domains }
  },
  render: ({ app, domains }) => `${app} answers on ${domains.join(', ')}.\n`,
})

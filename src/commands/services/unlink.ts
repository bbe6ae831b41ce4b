import { z } from 'zod'
import { unlinkService } from '../../services/unlink.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesUnlink = defineCommand({
  name: 'services:unlink',
  summary: 'take a service from an app',
  description:
    'Removes the config vars of the link, as one release, and the way to the service. The data stays.',
  examples: ['paas services:unlink db1 -a blog', 'paas services:unlink shared -a blog --drop-database'],
  access: 'manage',
  app: 'required',
  args: { name },
  flags: {
    noRestart: z.boolean().default(false).describe('let the config vars go with the next release'),
    dropDatabase: z.boolean().default(false).describe("with the app's own database, which is lost"),
  },
  result: z.object({
    name: z.string(),
    app: z.string(),
    variables: z.array(z.string()),
    release: z.int().nullable(),
  }),
  async run({ app, args, flags }, context) {
    const service = await serviceOf(args.name, context)
    const options = { restart: !flags.noRestart, dropDatabase: flags.dropDatabase }
    const { names, release } = await unlinkService(service, app, options, serviceContext(context))
    return { name: service.name, app: app.name, variables: names, release: release ?? null }
  },
  render: ({ name, app, variables, release }) =>
    `${app} is not linked to ${name} any more; removed: ${variables.join(', ') || 'nothing'}${release === null ? '' : `: v${release}`}.\n`,
})

import { z } from 'zod'
import { linkService } from '../../services/link.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesLink = defineCommand({
  name: 'services:link',
  summary: 'give an app a service',
  description:
    'Sets the config vars that tell the app where the service is (DATABASE_URL, REDIS_URL, …) and opens the way to it, ' +
    'as one release. A name that is taken is never overwritten: then it is one with a colour, as AMBER_URL.',
  examples: [
    'paas services:link db1 -a blog',
    'paas services:link db2 -a blog --as REPORTS',
    'paas services:link shared -a blog --own-database',
  ],
  access: 'manage',
  app: 'required',
  args: { name },
  flags: {
    as: z.string().optional().describe('another name: REPORTS gives REPORTS_URL').meta({ value: 'name' }),
    ownDatabase: z.boolean().default(false).describe('a database and a user for this app alone'),
    noRestart: z.boolean().default(false).describe('keep the config vars for the next release'),
  },
  result: z.object({
    name: z.string(),
    app: z.string(),
    variables: z.array(z.string()),
    release: z.int().nullable(),
  }),
  async run({ app, args, flags }, context) {
    const service = await serviceOf(args.name, context)
    const options = {
      ...(flags.as !== undefined && { as: flags.as }),
      ownDatabase: flags.ownDatabase,
      restart: !flags.noRestart,
    }
    const { link, release } = await linkService(service, app, options, serviceContext(context))
    return { name: service.name, app: app.name, variables: link.names, release: release ?? null }
  },
  render: ({ name, app, variables, release }) =>
    `${app} has ${name} in ${variables.join(' and ')}${release === null ? '' : `: v${release}`}.\n`,
})

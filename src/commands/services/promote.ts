import { z } from 'zod'
import { promoteService } from '../../services/promote.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesPromote = defineCommand({
  name: 'services:promote',
  summary: "make a linked service the app's main one",
  description:
    'Puts its address into DATABASE_URL or the like; what was there stays under a name with a colour.',
  examples: ['paas services:promote db2 -a blog'],
  access: 'manage',
  app: 'required',
  args: { name },
  result: z.object({
    name: z.string(),
    app: z.string(),
    variable: z.string(),
    former: z.string().nullable(),
    release: z.int().nullable(),
  }),
  async run({ app, args }, context) {
    const service = await serviceOf(args.name, context)
    const { name, former, release } = await promoteService(service, app, serviceContext(context))
    return {
      name: service.name,
      app: app.name,
      variable: name,
      former: former ?? null,
      release: release ?? null,
    }
  },
  render: ({ name, app, variable, former }) =>
    `${variable} of ${app} is ${name}${former === null ? '' : `; what it was is in ${former}`}.\n`,
})

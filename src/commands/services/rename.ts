import { z } from 'zod'
import { renameService } from '../../services/rename.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name, newName } from './fields.ts'

export const servicesRename = defineCommand({
  name: 'services:rename',
  summary: 'give a service another name',
  description:
    'Linked apps notice nothing: the host and the database keep the names that they were made with.',
  examples: ['paas services:rename db1 orders'],
  access: 'manage',
  app: 'none',
  args: { name, newName },
  result: z.object({ name: z.string(), before: z.string() }),
  async run({ args }, context) {
    const service = await serviceOf(args.name, context)
    const renamed = await renameService(service, args.newName, serviceContext(context))
    return { name: renamed.name, before: service.name }
  },
  render: ({ name, before }) => `${before} is ${name} now.\n`,
})

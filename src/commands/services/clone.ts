import { z } from 'zod'
import { cloneService } from '../../services/transfer.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name, newName } from './fields.ts'

export const servicesClone = defineCommand({
  name: 'services:clone',
  summary: 'make a copy of a service with its data',
  examples: ['paas services:clone db1 db1-copy'],
  access: 'manage',
  app: 'none',
  args: { name, newName },
  result: z.object({ name: z.string(), of: z.string() }),
  async run({ args }, context) {
    const service = await serviceOf(args.name, context)
    const { name } = await cloneService(service, args.newName, serviceContext(context))
    return { name, of: service.name }
  },
  render: ({ name, of }) => `${name} is a copy of ${of}.\n`,
})

import { z } from 'zod'
import { unexposeService } from '../../services/expose.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesUnexpose = defineCommand({
  name: 'services:unexpose',
  summary: 'close the port of a service again',
  examples: ['paas services:unexpose db1'],
  access: 'manage',
  app: 'none',
  args: { name },
  result: z.object({ name: z.string() }),
  async run({ args }, context) {
    const service = await serviceOf(args.name, context)
    await unexposeService(service, serviceContext(context))
    return { name: service.name }
  },
  render: ({ name }) => `${name} is reached by linked apps alone.\n`,
})

import { z } from 'zod'
import { startService } from '../../services/power.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesStart = defineCommand({
  name: 'services:start',
  summary: 'start a service that was stopped',
  examples: ['paas services:start db1'],
  access: 'manage',
  app: 'none',
  args: { name },
  result: z.object({ name: z.string() }),
  async run({ args }, context) {
    const service = await serviceOf(args.name, context)
    await startService(service, serviceContext(context))
    return { name: service.name }
  },
  render: ({ name }) => `${name} runs.\n`,
})

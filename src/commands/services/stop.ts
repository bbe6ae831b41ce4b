import { z } from 'zod'
import { stopService } from '../../services/power.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesStop = defineCommand({
  name: 'services:stop',
  summary: 'stop a service; its data stays',
  examples: ['paas services:stop db1'],
  access: 'manage',
  app: 'none',
  args: { name },
  result: z.object({ name: z.string() }),
  async run({ args }, context) {
    const service = await serviceOf(args.name, context)
    await stopService(service, serviceContext(context))
    return { name: service.name }
  },
  render: ({ name }) => `${name} is stopped.\n`,
})

import { z } from 'zod'
import { restartService } from '../../services/power.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesRestart = defineCommand({
  name: 'services:restart',
  summary: 'stop and start a service',
  examples: ['paas services:restart db1'],
  access: 'manage',
  app: 'none',
  args: { name },
  result: z.object({ name: z.string() }),
  async run({ args }, context) {
    const service = await serviceOf(args.name, context)
    await restartService(service, serviceContext(context))
    return { name: service.name }
  },
  render: ({ name }) => `${name} runs again.\n`,
})

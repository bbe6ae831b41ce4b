import { z } from 'zod'
import { changeSettings } from '../../services/settings.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { bytes, memory, name, pairs } from './fields.ts'

export const servicesSet = defineCommand({
  name: 'services:set',
  summary: 'set the memory and the settings of a service',
  description:
    "Settings are the server program's own, by its own names; an empty value takes one back to its default. The " +
    'service restarts with them, and as it was before when it does not come up.',
  examples: [
    'paas services:set db1 max_connections=50 --memory 1g',
    'paas services:set db1 max_connections=',
  ],
  access: 'manage',
  app: 'none',
  args: { name, settings: pairs.default({}).describe('NAME=value') },
  flags: { memory: memory.optional().describe('the most it may use: 512m, 1g').meta({ value: 'size' }) },
  result: z.object({ name: z.string(), memoryBytes: z.int(), settings: z.record(z.string(), z.string()) }),
  async run({ args, flags }, context) {
    const service = await serviceOf(args.name, context)
    const change = {
      settings: args.settings,
      ...(flags.memory !== undefined && { memoryBytes: flags.memory }),
    }
    const { name, memoryBytes, settings } = await changeSettings(service, change, serviceContext(context))
    return { name, memoryBytes, settings }
  },
  render: ({ name, memoryBytes, settings }) =>
    `${name}: ${[`memory ${bytes(memoryBytes)}`, ...Object.entries(settings).map((pair) => pair.join('='))].join(', ')}\n`,
})

import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { importInto } from '../../services/transfer.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { bytes, name } from './fields.ts'

export const servicesImport = defineCommand({
  name: 'services:import',
  summary: "replace a service's data by a dump",
  description:
    "Takes what services:export gives, and the dumps of the datastore's own tools. The data of before is replaced only " +
    'once all of the new is there: what is no dump changes nothing.',
  examples: ['paas services:import db1 < db1.dump', 'paas services:import db1 db1.dump'],
  access: 'manage',
  app: 'none',
  args: { name, file: z.string().default('-').describe('a file of yours; - or nothing: stdin') },
  result: z.object({ name: z.string(), bytes: z.int() }),
  async run({ args }, context) {
    const { io } = context
    if (args.file === '-' && io.terminal.tty.stdin) {
      throw new PaasError('INVALID_INPUT', 'The dump is missing.', {
        hint: `paas services:import ${args.name} < ${args.name}.dump`,
      })
    }
    const service = await serviceOf(args.name, context)
    let count = 0
    async function* counted(): AsyncGenerator<Buffer> {
      for await (const chunk of io.file(args.file) as AsyncIterable<Buffer>) {
        count += chunk.length
        yield chunk
      }
    }
    await importInto(service, counted(), serviceContext(context))
    return { name: service.name, bytes: count }
  },
  render: ({ name, bytes: count }) => `${name} holds what was imported: ${bytes(count)}.\n`,
})

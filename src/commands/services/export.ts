import { PaasError } from '../../errors/paas-error.ts'
import { exportService } from '../../services/transfer.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesExport = defineCommand({
  name: 'services:export',
  summary: "print a copy of a service's data, for a file",
  description:
    'What comes is the dump of the datastore itself, as services:import and its own tools read it.',
  examples: ['paas services:export db1 > db1.dump', 'ssh paas@host services:export db1 > db1.dump'],
  access: 'manage',
  app: 'none',
  args: { name },
  async run({ args }, context) {
    const { io } = context
    if (io.terminal.tty.stdout) {
      throw new PaasError('INVALID_INPUT', 'A dump is not for a terminal.', {
        hint: `Send it to a file: paas services:export ${args.name} > ${args.name}.dump`,
      })
    }
    const service = await serviceOf(args.name, context)
    for await (const part of exportService(service, serviceContext(context))) await io.stdout(part)
  },
})

import { z } from 'zod'
import { exposeService } from '../../services/expose.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name } from './fields.ts'

const loopback = '127.0.0.1'

export const servicesExpose = defineCommand({
  name: 'services:expose',
  summary: 'let a service be reached on a port of the server',
  description:
    'Without an address only programs on the server itself reach it, and whoever forwards a port there: ' +
    'ssh -L 5432:127.0.0.1:PORT. A public address lets the whole network try.',
  examples: ['paas services:expose db1', 'paas services:expose db1 --port 15432 --address 203.0.113.7'],
  access: 'admin',
  app: 'none',
  args: { name },
  flags: {
    port: z.coerce
      .number()
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('a free one, unless named')
      .meta({ value: 'port' }),
    address: z
      .ipv4('give an IPv4 address of the server')
      .default(loopback)
      .describe('127.0.0.1, unless named')
      .meta({ value: 'address' }),
  },
  result: z.object({ name: z.string(), address: z.string(), port: z.int() }),
  async run({ args, flags }, context) {
    const service = await serviceOf(args.name, context)
    if (!flags.address.startsWith('127.')) {
      await context.io.stderr(
        ` !     ${service.name} will be open to everybody who reaches ${flags.address}; only its password keeps them out,\n` +
          ' !     and what is sent can be read on the way. Docker opens the port past most firewalls.\n',
      )
    }
    const { exposed } = await exposeService(
      service,
      { address: flags.address, port: flags.port },
      serviceContext(context),
    )
    return { name: service.name, ...exposed! }
  },
  render: ({ name, address, port }) =>
    `${name} is at ${address}:${port}; its URL: paas services:credentials ${name}\n`,
})

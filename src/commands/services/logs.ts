import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { serverOf } from '../../services/container.ts'
import { defineCommand } from '../define.ts'
import { count } from '../fields.ts'
import { serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesLogs = defineCommand({
  name: 'services:logs',
  summary: 'print what a service has said',
  examples: ['paas services:logs db1', 'paas services:logs db1 -f -n 20'],
  access: 'read',
  app: 'none',
  args: { name },
  flags: {
    follow: z.boolean().default(false).describe('go on as lines come').meta({ short: 'f' }),
    lines: count.default(100).describe('how many lines to begin with').meta({ short: 'n', value: 'number' }),
  },
  async run({ args, flags }, context) {
    const { platform, io, signal } = context
    const service = await serviceOf(args.name, context)
    const server = await serverOf(platform, service)
    if (server === undefined) {
      throw new PaasError('NOT_FOUND', `${service.name} has no container now.`, {
        hint: `paas services:start ${service.name}`,
      })
    }
    const query = { tail: flags.lines, follow: flags.follow, signal }
    for await (const { at, text } of platform.engine.containers.logs(server.id, query)) {
      await io.stdout(`${at.toISOString()} ${text}\n`)
    }
  },
})

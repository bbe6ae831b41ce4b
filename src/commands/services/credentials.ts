import { z } from 'zod'
import { accessOf } from '../../services/access.ts'
import { datastoreOf } from '../../services/registry.ts'
import { defineCommand } from '../define.ts'
import { serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesCredentials = defineCommand({
  name: 'services:credentials',
  summary: 'print the address of a service with its password',
  description: 'Prints the URL that linked apps have; for an exposed service also the one from outside.',
  examples: ['paas services:credentials db1'],
  access: 'manage',
  app: 'none',
  args: { name },
  result: z.object({ name: z.string(), url: z.string(), exposedUrl: z.string().nullable() }),
  async run({ args }, context) {
    const service = await serviceOf(args.name, context)
    const { url, port } = datastoreOf(service)
    const access = accessOf(service, context.platform.store.secrets)
    const { exposed, host } = service
    return {
      name: service.name,
      url: url(access, { host, port }),
      exposedUrl: exposed === undefined ? null : url(access, { host: exposed.address, port: exposed.port }),
    }
  },
  render: ({ url, exposedUrl }) => `${url}\n${exposedUrl === null ? '' : `${exposedUrl}\n`}`,
})

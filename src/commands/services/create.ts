import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { createService } from '../../services/create.ts'
import { datastores, findDatastore } from '../../services/registry.ts'
import { defineCommand } from '../define.ts'
import { serviceContext } from './context.ts'
import { memory, newName } from './fields.ts'

const kind = z.string().transform((word, context) => {
  const found = findDatastore(word)
  if (found !== undefined) return found
  context.addIssue(
    `there is no service ${JSON.stringify(word.slice(0, 64))}; there is ${datastores.map((one) => one.kind).join(', ')}`,
  )
  return z.NEVER
})

export const servicesCreate = defineCommand({
  name: 'services:create',
  summary: 'make a database or another service',
  description: `Makes a service and waits until it takes connections: ${datastores.map((one) => one.kind).join(', ')}. It \
runs Debian's version of the datastore, or a named image that works like the official one. Apps reach it once they are \
linked to it: paas services:link.`,
  examples: [
    'paas services:create postgres db1',
    'paas postgres:create db1 --memory 1g',
    'paas services:create postgres db2 --image postgres:18',
  ],
  access: 'manage',
  app: 'none',
  args: { kind: kind.describe('what it is'), name: newName },
  flags: {
    image: z
      .string()
      .regex(/^[a-z0-9][a-zA-Z0-9._/:@-]{0,254}$/, 'an image is named like postgres:18')
      .optional()
      .describe("an image instead of Debian's version")
      .meta({ value: 'image' }),
    memory: memory.optional().describe('the most it may use: 512m, 1g').meta({ value: 'size' }),
  },
  result: z.object({ name: z.string(), kind: z.string(), version: z.string(), seconds: z.number() }),
  async run({ args, flags }, context) {
    const began = performance.now()
    if (flags.image?.startsWith('paas/') === true) {
      throw new PaasError('INVALID_INPUT', '--image: images of paas itself are chosen by leaving this out.')
    }
    const service = await createService(
      {
        datastore: args.kind,
        name: args.name,
        ...(flags.image !== undefined && { image: flags.image }),
        ...(flags.memory !== undefined && { memoryBytes: flags.memory }),
      },
      serviceContext(context),
    )
    const seconds = Math.round(performance.now() - began) / 1000
    return { name: service.name, kind: service.kind, version: service.current.version, seconds }
  },
  render: ({ name, kind, version, seconds }) =>
    `${name} is ready: ${kind} ${version}, after ${seconds.toFixed(1)} s\n       paas services:link ${name} -a APP\n`,
})

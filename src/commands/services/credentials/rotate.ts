import { z } from 'zod'
import { rotateCredentials } from '../../../services/rotate.ts'
import { defineCommand } from '../../define.ts'
import { serviceContext, serviceOf } from '../context.ts'
import { name } from '../fields.ts'

export const servicesCredentialsRotate = defineCommand({
  name: 'services:credentials:rotate',
  aliases: ['credentials:rotate'],
  summary: 'give a service new passwords',
  description: 'Changes the passwords and releases every linked app with them. Open connections stay.',
  examples: ['paas services:credentials:rotate db1', 'paas credentials:rotate db1'],
  access: 'manage',
  app: 'none',
  args: { name },
  result: z.object({ name: z.string(), apps: z.array(z.string()) }),
  async run({ args }, context) {
    const service = await serviceOf(args.name, context)
    return { name: service.name, apps: await rotateCredentials(service, serviceContext(context)) }
  },
  render: ({ name, apps }) =>
    `${name} has new credentials${apps.length === 0 ? '' : `, and so have ${apps.join(', ')}`}.\n`,
})

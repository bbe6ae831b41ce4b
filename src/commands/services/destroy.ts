import { z } from 'zod'
import { appsOf, destroyService } from '../../services/destroy.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { confirmName } from '../confirm.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesDestroy = defineCommand({
  name: 'services:destroy',
  summary: 'remove a service with its data',
  description:
    'Removes a service and all that is in it for good; its backups stay. Asks for its name first. One that apps are ' +
    'linked to needs --force too; their config vars go with their next release.',
  examples: ['paas services:destroy db1', 'paas services:destroy db1 --force --confirm db1'],
  access: 'manage',
  app: 'none',
  args: { name },
  flags: {
    force: z.boolean().default(false).describe('although apps use it'),
    confirm: z.string().optional().describe('the name, instead of typing it').meta({ value: 'name' }),
  },
  result: z.object({ name: z.string() }),
  async run({ args, flags }, context) {
    const service = await serviceOf(args.name, context)
    const users = await appsOf(service, context.platform)
    if (users.length > 0 && !flags.force) {
      throw new PaasError(
        'SERVICE_IN_USE',
        `${service.name} is in use by ${users.map((app) => app.name).join(', ')}.`,
        {
          hint: `Unlink it first, or: paas services:destroy ${service.name} --force`,
        },
      )
    }
    await confirmName(context, {
      name: service.name,
      given: flags.confirm,
      consequence: `This removes ${service.name} with all its data for good`,
    })
    await destroyService(service, flags, serviceContext(context))
    return { name: service.name }
  },
  render: ({ name }) => `${name} is gone. Its backups are in: paas backups:list\n`,
})

import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { finishUpgrade, undoUpgrade, upgradeService } from '../../services/upgrade.ts'
import { confirmName } from '../confirm.ts'
import { defineCommand } from '../define.ts'
import { serviceContext, serviceOf } from './context.ts'
import { name } from './fields.ts'

export const servicesUpgrade = defineCommand({
  name: 'services:upgrade',
  summary: 'move a service to another version, with its data',
  description:
    'Starts a new server beside the old one, copies the data, compares, and switches; apps do not reach the service ' +
    "meanwhile. Without --image it is Debian's newest, or the newest of the image that the service was made with. A " +
    'failure leaves the old one serving. What was before is kept until --finish, or comes back with --undo.',
  examples: [
    'paas services:upgrade db1',
    'paas services:upgrade db1 --image postgres:18',
    'paas services:upgrade db1 --finish',
  ],
  access: 'manage',
  app: 'none',
  args: { name },
  flags: {
    image: z
      .string()
      .optional()
      .describe('an image instead of the newest of its own')
      .meta({ value: 'image' }),
    finish: z.boolean().default(false).describe('give up what was before the last upgrade'),
    undo: z.boolean().default(false).describe('go back to it; what was written since is lost'),
    confirm: z
      .string()
      .optional()
      .describe('the name, for --undo, instead of typing it')
      .meta({ value: 'name' }),
  },
  result: z.object({ name: z.string(), version: z.string(), kept: z.string().nullable() }),
  async run({ args, flags }, context) {
    const service = await serviceOf(args.name, context)
    const at = serviceContext(context)
    if ([flags.image !== undefined, flags.finish, flags.undo].filter(Boolean).length > 1) {
      throw new PaasError('INVALID_INPUT', 'Give one of --image, --finish and --undo.')
    }
    if (flags.finish) {
      await finishUpgrade(service, at)
      return { name: service.name, version: service.current.version, kept: null }
    }
    if (flags.undo) {
      await confirmName(context, {
        name: service.name,
        given: flags.confirm,
        consequence: `This loses what was written to ${service.name} since its upgrade`,
      })
      const { version } = await undoUpgrade(service, at)
      return { name: service.name, version, kept: null }
    }
    const upgraded = await upgradeService(service, flags.image, at)
    return { name: service.name, version: upgraded.current.version, kept: upgraded.previous?.version ?? null }
  },
  render: ({ name, version, kept }) =>
    `${name} is ${version}.\n${kept === null ? '' : `       What was before (${kept}) is kept until: paas services:upgrade ${name} --finish\n`}`,
})

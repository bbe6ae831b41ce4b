import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { own } from '../../lib/own.ts'
import { ConfigName } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { globalFlag, nameOf, scopeOf, sealedConfig } from './global.ts'

export const configGet = defineCommand({
  name: 'config:get',
  summary: 'print the value of a config var',
  description: 'Prints the value to the byte, and a line break after it.',
  examples: ['paas config:get -a blog DATABASE_URL'],
  access: 'deploy',
  app: 'optional',
  args: { name: ConfigName.describe('name of a config var') },
  flags: { global: globalFlag },
  result: z.object({ name: z.string(), value: z.string() }),
  async run({ app, args, flags }, context) {
    const scope = scopeOf(app, flags.global, context)
    const { config, secret } = await sealedConfig(scope, context)
    const sealed = own(config, args.name)
    if (sealed === undefined) {
      throw new PaasError('NOT_FOUND', `${nameOf(scope)} has no config var ${args.name}.`, {
        hint: `What there is: paas config ${scope.global ? '--global' : `-a ${scope.app.name}`}`,
      })
    }
    return { name: args.name, value: context.platform.store.secrets.open(secret, args.name, sealed) }
  },
  render: ({ value }) => `${value}\n`,
})

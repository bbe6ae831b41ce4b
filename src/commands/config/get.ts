import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { own } from '../../lib/own.ts'
import { ConfigName } from '../../model/names.ts'
import { defineCommand } from '../define.ts'

export const configGet = defineCommand({
  name: 'config:get',
  summary: 'print the value of a config var',
  description: 'Prints the value to the byte, and a line break after it.',
  examples: ['paas config:get -a blog DATABASE_URL'],
  access: 'deploy',
  app: 'required',
  args: { name: ConfigName.describe('name of a config var') },
  result: z.object({ name: z.string(), value: z.string() }),
  async run({ app, args }, { platform }) {
    const { apps, secrets } = platform.store
    const sealed = own(await apps.config(app.id), args.name)
    if (sealed === undefined) {
      throw new PaasError('NOT_FOUND', `${app.name} has no config var ${args.name}.`, {
        hint: `What there is: paas config -a ${app.name}`,
      })
    }
    return { name: args.name, value: secrets.open(app.id, args.name, sealed) }
  },
  render: ({ value }) => `${value}\n`,
})

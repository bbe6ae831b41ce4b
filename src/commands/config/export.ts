import { z } from 'zod'
import { configFormats, writeConfig } from '../../apps/config-text.ts'
import { defineCommand } from '../define.ts'
import { globalFlag, scopeOf, sealedConfig } from './global.ts'

export const configExport = defineCommand({
  name: 'config:export',
  summary: 'print all config vars with their values',
  description:
    'Prints all config vars as a .env file, as lines for a shell, or as JSON. What config:import reads is a .env file ' +
    'or JSON.',
  examples: [
    'paas config:export -a blog > .env',
    'paas config:export -a blog --format shell',
    'paas config:export -a blog --format json',
  ],
  access: 'deploy',
  app: 'optional',
  flags: {
    format: z
      .enum(configFormats)
      .default('dotenv')
      .describe('dotenv, shell or json')
      .meta({ value: 'format' }),
    global: globalFlag,
  },
  result: z.object({ values: z.record(z.string(), z.string()), format: z.enum(configFormats) }),
  async run({ app, flags }, context) {
    const { config, secret } = await sealedConfig(scopeOf(app, flags.global, context), context)
    return { values: context.platform.store.secrets.openAll(secret, config), format: flags.format }
  },
  render: ({ values, format }) => writeConfig(values, format),
})

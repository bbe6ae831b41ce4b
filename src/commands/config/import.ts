import { z } from 'zod'
import { readConfig } from '../../apps/config-text.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { defineCommand } from '../define.ts'
import { changedExitCode, changeIn, ConfigChanged, renderChanged } from './changed.ts'
import { globalFlag, scopeOf } from './global.ts'
import { utf8Of } from './values.ts'

export const configImport = defineCommand({
  name: 'config:import',
  summary: 'set all config vars of a file',
  description:
    'Sets what a .env file or a JSON object of strings has, as one new release. Config vars that the file does not have ' +
    'stay as they are.',
  examples: ['paas config:import -a blog .env', 'paas config:import -a blog - < config.json'],
  access: 'deploy',
  app: 'optional',
  args: { file: z.string().default('-').describe('a file of yours; - or nothing: stdin') },
  flags: {
    noRestart: z.boolean().default(false).describe('keep the values for the next release'),
    global: globalFlag,
  },
  result: ConfigChanged,
  async run({ app, args, flags }, context) {
    const scope = scopeOf(app, flags.global, context)
    const change = readConfig(await utf8Of(args.file, context.io))
    if (Object.keys(change).length === 0)
      throw new PaasError('INVALID_INPUT', 'There are no config vars in it.')
    return changeIn(scope, change, context, { restart: !flags.noRestart })
  },
  render: (result) => renderChanged('Set', result),
  exitCode: changedExitCode,
})

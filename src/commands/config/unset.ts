import { z } from 'zod'
import { ConfigName } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { changedExitCode, changeIn, ConfigChanged, renderChanged } from './changed.ts'
import { globalFlag, scopeOf } from './global.ts'

export const configUnset = defineCommand({
  name: 'config:unset',
  summary: 'remove config vars and restart the app without them',
  description:
    'Removes config vars as one new release. If the app does not come up without them, they stay. One that is not set is fine.',
  examples: ['paas config:unset -a blog SECRET', 'paas config:unset -a blog --no-restart A B'],
  access: 'deploy',
  app: 'optional',
  args: { names: z.array(ConfigName).min(1, 'give at least one name').describe('names of config vars') },
  flags: {
    noRestart: z.boolean().default(false).describe('keep the change for the next release'),
    global: globalFlag,
  },
  result: ConfigChanged,
  async run({ app, args, flags }, context) {
    const change = Object.fromEntries(args.names.map((name) => [name, undefined]))
    return changeIn(scopeOf(app, flags.global, context), change, context, { restart: !flags.noRestart })
  },
  render: (result) => renderChanged('Unset', result),
  exitCode: changedExitCode,
})

import { z } from 'zod'
import { changeConfig } from '../../deploy/config.ts'
import { ConfigName } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { deployContext } from '../deploying.ts'
import { ConfigChanged, configChanged, renderChanged } from './changed.ts'

export const configUnset = defineCommand({
  name: 'config:unset',
  summary: 'remove config vars and restart the app without them',
  description:
    'Removes config vars as one new release. If the app does not come up without them, they stay. One that is not set is fine.',
  examples: ['paas config:unset -a blog SECRET', 'paas config:unset -a blog --no-restart A B'],
  access: 'deploy',
  app: 'required',
  args: { names: z.array(ConfigName).min(1, 'give at least one name').describe('names of config vars') },
  flags: { noRestart: z.boolean().default(false).describe('keep the change for the next release') },
  result: ConfigChanged,
  async run({ app, args, flags }, context) {
    const change = Object.fromEntries(args.names.map((name) => [name, undefined]))
    const changed = await changeConfig(app, change, deployContext(context), { restart: !flags.noRestart })
    return configChanged(app, change, changed)
  },
  render: (result) => renderChanged('Unset', result),
})

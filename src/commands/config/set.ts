import { z } from 'zod'
import { changeConfig } from '../../deploy/config.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { ConfigName } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { deployContext } from '../deploying.ts'
import { ConfigChanged, configChanged, renderChanged } from './changed.ts'

export const configSet = defineCommand({
  name: 'config:set',
  summary: 'set config vars and restart the app with them',
  description:
    'Sets config vars as one new release. If the app does not come up with them, the old values stay in force. ' +
    'A value may be empty and may hold anything but a NUL byte.',
  examples: [
    'paas config:set -a blog SECRET=abc LOG_LEVEL=debug',
    'paas config:set -a blog --no-restart A=1',
  ],
  access: 'deploy',
  app: 'required',
  args: { pairs: z.array(z.string()).min(1, 'give at least one NAME=value').describe('NAME=value') },
  flags: { noRestart: z.boolean().default(false).describe('keep the values for the next release') },
  result: ConfigChanged,
  async run({ app, args, flags }, context) {
    const change = Object.fromEntries(args.pairs.map(parsePair))
    const changed = await changeConfig(app, change, deployContext(context), { restart: !flags.noRestart })
    return configChanged(app, change, changed)
  },
  render: (result) => renderChanged('Set', result),
})

/**
 * `NAME=value`; everything after the first `=` is the value, to the byte. What is wrong is told by its place: a
 * value that lost its name must not be repeated.
 */
function parsePair(pair: string, index: number): [string, string] {
  const at = pair.indexOf('=')
  const name = ConfigName.safeParse(pair.slice(0, Math.max(at, 0)))
  if (at !== -1 && name.success) return [name.data, pair.slice(at + 1)]
  const problem = at === -1 || name.success ? 'it has no =' : name.error.issues[0]!.message
  throw new PaasError('INVALID_INPUT', `Pair ${index + 1} is not NAME=value: ${problem}.`, {
    hint: 'For example: paas config:set -a blog LOG_LEVEL=debug. A value with spaces goes in quotes.',
  })
}

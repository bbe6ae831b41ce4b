import { z } from 'zod'
import { changeConfig } from '../../deploy/config.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { ConfigName } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { deployContext } from '../deploying.ts'

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
  result: z.object({ app: z.string(), release: z.int().nullable(), names: z.array(z.string()) }),
  async run({ app, args, flags }, context) {
    const change = Object.fromEntries(args.pairs.map(parsePair))
    const { release } = await changeConfig(app, change, deployContext(context), { restart: !flags.noRestart })
    return { app: app.name, release: release ?? null, names: Object.keys(change) }
  },
  render: ({ app, names, release }) =>
    `Set ${names.join(', ')} of ${app}${release === null ? '; the next release has them' : `: v${release}`}.\n`,
})

/** `NAME=value`; everything after the first `=` is the value, to the byte. Values are never repeated in errors. */
function parsePair(pair: string): [string, string] {
  const at = pair.indexOf('=')
  const name = ConfigName.safeParse(at === -1 ? pair : pair.slice(0, at))
  if (at === -1) {
    throw new PaasError('INVALID_INPUT', `${JSON.stringify(pair.slice(0, 64))} is not NAME=value.`, {
      hint: 'For example: paas config:set -a blog LOG_LEVEL=debug. To remove one: paas config:unset.',
    })
  }
  if (!name.success) {
    throw new PaasError(
      'INVALID_INPUT',
      `${JSON.stringify(pair.slice(0, Math.min(at, 64)))}: ${name.error.issues[0]!.message}.`,
    )
  }
  return [name.data, pair.slice(at + 1)]
}

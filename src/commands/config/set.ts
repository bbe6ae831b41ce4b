import { z } from 'zod'
import { defineCommand } from '../define.ts'
import { changedExitCode, changeIn, ConfigChanged, renderChanged } from './changed.ts'
import { globalFlag, scopeOf } from './global.ts'
import { readPairs } from './values.ts'

export const configSet = defineCommand({
  name: 'config:set',
  summary: 'set config vars and restart the app with them',
  description:
    'Sets config vars as one new release. If the app does not come up with them, the old values stay in force. ' +
    'A value may be empty and may hold anything but a NUL byte. NAME=@file takes it from a file of yours and NAME=@- ' +
    'from stdin, without a line break at the end; a value that begins with @ is written with @@.',
  examples: [
    'paas config:set -a blog SECRET=abc LOG_LEVEL=debug',
    'paas config:set -a blog --no-restart A=1',
    'paas config:set -a blog TLS_KEY=@key.pem',
    'paas config:set --global HTTP_PROXY=http://proxy.example.com:3128',
  ],
  access: 'deploy',
  app: 'optional',
  args: { pairs: z.array(z.string()).min(1, 'give at least one NAME=value').describe('NAME=value') },
  flags: {
    noRestart: z.boolean().default(false).describe('keep the values for the next release'),
    global: globalFlag,
  },
  result: ConfigChanged,
  async run({ app, args, flags }, context) {
    const scope = scopeOf(app, flags.global, context)
    const change = await readPairs(args.pairs, context.io)
    return changeIn(scope, change, context, { restart: !flags.noRestart })
  },
  render: (result) => renderChanged('Set', result),
  exitCode: changedExitCode,
})

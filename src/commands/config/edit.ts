import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { readConfig, writeConfig } from '../../apps/config-text.ts'
import { own } from '../../lib/own.ts'
import { defineCommand } from '../define.ts'
import { changedExitCode, changeIn, ConfigChanged, renderChanged } from './changed.ts'
import { globalFlag, nameOf, scopeOf, sealedConfig } from './global.ts'

export const configEdit = defineCommand({
  name: 'config:edit',
  summary: 'change config vars in your editor',
  description:
    'Opens all config vars in your editor (VISUAL, EDITOR, else vi) and makes what you changed, added and took out one ' +
    'new release. An editor that ends with an error changes nothing.',
  examples: ['paas config:edit -a blog'],
  access: 'deploy',
  app: 'optional',
  flags: {
    noRestart: z.boolean().default(false).describe('keep the values for the next release'),
    global: globalFlag,
  },
  result: ConfigChanged,
  async run({ app, flags }, context) {
    const scope = scopeOf(app, flags.global, context)
    const { config, secret } = await sealedConfig(scope, context)
    const before = context.platform.store.secrets.openAll(secret, config)
    const heading = `# Config of ${nameOf(scope)}. A var whose line is removed is unset.\n`
    const after = readConfig(await text(context.io.edit(heading + writeConfig(before, 'dotenv'))))
    const set = Object.entries(after).filter(([name, value]) => own(before, name) !== value)
    const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name))
    const change = Object.fromEntries([...set, ...gone.map((name) => [name, undefined] as const)])
    if (Object.keys(change).length === 0) {
      return { app: app?.name ?? null, names: [], outcome: 'unchanged' as const, release: null, apps: [] }
    }
    return changeIn(scope, change, context, { restart: !flags.noRestart })
  },
  render: (result) =>
    result.names.length === 0 ? 'Nothing was changed.\n' : renderChanged('Changed', result),
  exitCode: changedExitCode,
})

import { z } from 'zod'
import { own } from '../../lib/own.ts'
import { defineCommand } from '../define.ts'
import { globalFlag, scopeOf, sealedConfig } from './global.ts'

/** What stands for a value that is not to be shown; it does not tell the length either. */
const hidden = '••••••••'
const notLive = '  (not live yet)'

export const configList = defineCommand({
  name: 'config:list',
  aliases: ['config'],
  summary: 'list config vars, values hidden',
  description:
    'Lists the config vars of an app. Values are shown only with --reveal: screens are looked at and output is kept. ' +
    'A var that the live release does not have yet is marked.',
  examples: [
    'paas config -a blog',
    'paas config -a blog --reveal',
    'paas config -a blog --reveal --json',
    'paas config --global',
  ],
  whenEmpty: 'There are no config vars yet: paas config:set -a APP NAME=value',
  access: 'deploy',
  app: 'optional',
  flags: { reveal: z.boolean().default(false).describe('show the values'), global: globalFlag },
  result: z.array(
    z.object({
      name: z.string(),
      /** null: hidden. */
      value: z.string().nullable(),
      /** The live release runs with this value. */
      live: z.boolean(),
    }),
  ),
  async run({ app, flags }, context) {
    const { releases, secrets } = context.platform.store
    const scope = scopeOf(app, flags.global, context)
    const { config, secret } = await sealedConfig(scope, context)
    const version = scope.app?.currentRelease
    const release = version === undefined ? undefined : await releases.get(scope.app!.id, version)
    return Object.keys(config)
      .sort()
      .map((name) => ({
        name,
        value: flags.reveal ? secrets.open(secret, name, config[name]!) : null,
        live: scope.global ?? (release !== undefined && own(release.config, name) === config[name]),
      }))
  },
  render(vars) {
    const width = Math.max(...vars.map(({ name }) => name.length))
    return vars
      .map(
        ({ name, value, live }) =>
          `${`${name}:`.padEnd(width + 2)} ${value ?? hidden}${live ? '' : notLive}\n`,
      )
      .join('')
  },
})

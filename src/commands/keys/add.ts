import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { addKey } from '../../apps/keys.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { Access, identityName } from '../../model/key.ts'
import { AppName } from '../../model/names.ts'
import { defineCommand } from '../define.ts'
import { shown, ShownKey } from './shown-key.ts'

export const keysAdd = defineCommand({
  name: 'keys:add',
  aliases: ['ssh-keys:add'],
  summary: 'let an SSH key in',
  description: `Lets the holder of an SSH key push and give commands. The role says what: read sees apps and logs; \
deploy also pushes, sets config and scales; manage also creates, renames and destroys apps; admin does everything. \
With --apps the key is for those apps only. The public key comes from a file of yours or from stdin.`,
  examples: [
    'paas keys:add alice ~/.ssh/id_ed25519.pub --role manage',
    'paas keys:add ci --role deploy --apps blog,shop < ci.pub',
  ],
  access: 'admin',
  app: 'none',
  args: {
    name: z.string().describe('what the key is called here'),
    file: z.string().default('-').describe('a .pub file; - or nothing: stdin'),
  },
  flags: {
    role: Access.default('deploy').describe('read, deploy, manage or admin').meta({ value: 'role' }),
    apps: z.string().optional().describe('the only apps it may touch, with commas').meta({ value: 'names' }),
  },
  result: ShownKey,
  async run({ args, flags }, { platform, identity, io }) {
    if (args.file === '-' && io.terminal.tty.stdin) {
      throw new PaasError('INVALID_INPUT', 'The public key is missing.', {
        hint: `paas keys:add ${args.name} ~/.ssh/id_ed25519.pub`,
      })
    }
    const key = await addKey(platform, identityName(identity), {
      name: args.name,
      text: await text(io.file(args.file)),
      role: flags.role,
      ...(flags.apps !== undefined && { apps: appNames(flags.apps) }),
    })
    return shown(key)
  },
  render: ({ name, fingerprint, role, apps }) =>
    `${name} may ${role === 'admin' ? 'do everything' : role}${apps === undefined ? '' : ` on ${apps.join(', ')}`} with ${fingerprint}.\n`,
})

function appNames(list: string): AppName[] {
  return list.split(',').map((word) => {
    const name = AppName.safeParse(word.trim())
    if (name.success) return name.data
    throw new PaasError('INVALID_INPUT', `--apps: ${JSON.stringify(word)} is not the name of an app.`)
  })
}

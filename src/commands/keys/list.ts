import { z } from 'zod'
import { defineCommand } from '../define.ts'
import { table } from '../render.ts'
import { shown, ShownKey } from './shown-key.ts'

export const keysList = defineCommand({
  name: 'keys:list',
  aliases: ['keys', 'ssh-keys', 'ssh-keys:list'],
  summary: 'list the SSH keys that are let in',
  examples: ['paas keys:list', 'paas keys:list --json'],
  whenEmpty: 'There are no keys yet: paas keys:add NAME FILE',
  access: 'admin',
  app: 'none',
  result: z.array(ShownKey),
  async run(_input, { platform }) {
    return (await platform.store.sshKeys.list()).map(shown)
  },
  render: (keys) =>
    keys.length === 0
      ? ''
      : table([
          ['name', 'role', 'apps', 'fingerprint'],
          ...keys.map(({ name, role, apps, fingerprint }) => [
            name,
            role,
            apps?.join(',') ?? 'all',
            fingerprint,
          ]),
        ]),
})

import { z } from 'zod'
import { removeKey } from '../../apps/keys.ts'
import { identityName } from '../../model/key.ts'
import { defineCommand } from '../define.ts'

export const keysRemove = defineCommand({
  name: 'keys:remove',
  aliases: ['ssh-keys:remove'],
  summary: 'shut an SSH key out',
  description: 'Shuts a key out at once: also what it has open ends.',
  examples: ['paas keys:remove alice'],
  access: 'admin',
  app: 'none',
  args: { name: z.string().describe('the name that it was added under') },
  result: z.object({ name: z.string(), fingerprint: z.string() }),
  async run({ args }, { platform, identity }) {
    const { name, fingerprint } = await removeKey(platform, identityName(identity), args.name)
    return { name, fingerprint }
  },
  render: ({ name, fingerprint }) => `${name} (${fingerprint}) is shut out.\n`,
})

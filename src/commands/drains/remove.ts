import { z } from 'zod'
import { removeDrain } from '../../apps/drains.ts'
import { identityName } from '../../model/key.ts'
import { defineCommand } from '../define.ts'

export const drainsRemove = defineCommand({
  name: 'drains:remove',
  summary: 'stop sending the logs of an app to a place',
  examples: ['paas drains:remove -a blog d4vtvh1tddn0rscj'],
  access: 'manage',
  app: 'required',
  args: { drain: z.string().max(2048).describe('an id from drains, or the URL') },
  result: z.object({ app: z.string(), id: z.string() }),
  async run({ app, args }, { platform, identity }) {
    const which = URL.canParse(args.drain) ? new URL(args.drain).href : args.drain
    return { app: app.name, id: (await removeDrain(platform, app, which, identityName(identity))).id }
  },
  render: ({ app, id }) => `The logs of ${app} do not go to ${id} any more.\n`,
})

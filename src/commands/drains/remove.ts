import { z } from 'zod'
import { removeDrain } from '../../apps/drains.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const drainsRemove = defineCommand({
  name: 'drains:remove',
  summary: 'stop sending the logs of an app to a place',
  examples: ['paas drains:remove -a blog d4vtvh1tddn0rscj'],
  access: 'manage',
  app: 'required',
  args: { drain: z.string().max(2048).describe('an id from drains, or the URL') },
  result: z.object({ app: z.string(), id: z.string() }),
  async run({ app, args }, context) {
    const which = URL.canParse(args.drain) ? new URL(args.drain).href : args.drain
    return { app: app.name, id: (await removeDrain(context.platform, app, which, askerOf(context))).id }
  },
  render: ({ app, id }) => `The logs of ${app} do not go to ${id} any more.\n`,
})

import { z } from 'zod'
import { restart } from '../../deploy/restart.ts'
import { defineCommand } from '../define.ts'
import { deployContext } from '../deploying.ts'

export const psRestart = defineCommand({
  name: 'ps:restart',
  aliases: ['restart', 'apps:restart'],
  summary: 'replace containers of an app by new ones',
  description:
    'Starts new containers of the live release, checks them, gives them the traffic, then stops the old ones: no ' +
    'request is lost. What had crashed too often is tried again. Without names it replaces all of the app.',
  examples: ['paas ps:restart -a blog', 'paas ps:restart -a blog worker web.2'],
  access: 'deploy',
  app: 'required',
  args: { names: z.array(z.string()).default([]).describe('types, as web, or processes, as web.1') },
  result: z.object({ app: z.string(), release: z.int() }),
  async run({ app, args }, context) {
    return { app: app.name, release: await restart(app, args.names, deployContext(context)) }
  },
  render: ({ app, release }) => `Restarted ${app}: v${release}.\n`,
})

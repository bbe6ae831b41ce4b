import { z } from 'zod'
import { restart } from '../../deploy/restart.ts'
import { defineCommand } from '../define.ts'
import { deployContext } from '../deploying.ts'

export const psRestart = defineCommand({
  name: 'ps:restart',
  aliases: ['restart', 'apps:restart'],
  summary: 'replace all containers of an app by new ones',
  description:
    'Starts new containers of the live release, checks them, gives them the traffic, then stops the old ones: no ' +
    'request is lost. What had crashed too often is tried again.',
  examples: ['paas ps:restart -a blog'],
  access: 'deploy',
  app: 'required',
  result: z.object({ app: z.string(), release: z.int() }),
  async run({ app }, context) {
    return { app: app.name, release: await restart(app, deployContext(context)) }
  },
  render: ({ app, release }) => `Restarted ${app}: v${release}.\n`,
})

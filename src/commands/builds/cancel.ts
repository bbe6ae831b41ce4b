import { z } from 'zod'
import { cancelledBy } from '../../deploy/build-record.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { identityName } from '../../model/key.ts'
import { defineCommand } from '../define.ts'
import { noBuild } from './log.ts'

export const buildsCancel = defineCommand({
  name: 'builds:cancel',
  summary: 'cancel a build that waits or runs',
  description:
    'Cancels a build, the one that runs where none is named; its push is refused. A release that is live already stays.',
  examples: ['paas builds:cancel -a blog'],
  access: 'deploy',
  app: 'required',
  args: { build: z.string().optional().describe('an id from builds') },
  result: z.object({ app: z.string(), build: z.string() }),
  async run({ app, args }, { platform, identity }) {
    const builds = await platform.store.builds.list(app.id)
    const found = args.build === undefined ? undefined : builds.find(({ id }) => id === args.build)
    if (args.build !== undefined && found === undefined) throw noBuild(app.name, args.build)
    const build = found ?? builds.find(({ id }) => platform.builds.has(id))
    if (build === undefined || !platform.builds.cancel(build.id, cancelledBy(identityName(identity)))) {
      throw new PaasError(
        'NOT_FOUND',
        build === undefined ? 'No build runs.' : `${build.id} has ended already.`,
        {
          hint: `What there is: paas builds -a ${app.name}`,
        },
      )
    }
    return { app: app.name, build: build.id }
  },
  render: ({ build }) => `Cancelled ${build}.\n`,
})

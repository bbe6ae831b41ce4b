import { buildBase } from '../../build/base-image.ts'
import { identityName } from '../../model/key.ts'
import { defineCommand } from '../define.ts'
import { renderBase, runtimeOf, ShownBase, shownBase } from './shown-base.ts'

export const baseBuild = defineCommand({
  name: 'base:build',
  summary: 'build the image that apps are built on',
  description:
    'Puts Debian together from its signed archive, with all security updates of today, and Node on top. What runs ' +
    'keeps running on the base that it has: paas base:update rebuilds it. Where Debian has nothing new, nothing ' +
    'changes.',
  examples: ['paas base:build'],
  access: 'admin',
  app: 'none',
  result: ShownBase,
  async run(_, { platform, identity, io, signal }) {
    const who = { owner: identityName(identity), verb: 'base:build', signal }
    return platform.queues.run('base', who, async () =>
      shownBase(
        await buildBase(platform.engine, {
          instance: platform.instance.name,
          runtime: runtimeOf(platform.paths),
          onLine: (line) => void io.stderr(`       ${line}\n`),
          signal,
        }),
      ),
    )
  },
  render: renderBase,
})

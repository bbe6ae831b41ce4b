import { z } from 'zod'
import { removeBuildpack } from '../../build/added-buildpacks.ts'
import { identityName } from '../../model/key.ts'
import { defineCommand } from '../define.ts'
import { BuildpackName } from './name.ts'

export const buildpacksRemove = defineCommand({
  name: 'buildpacks:remove',
  summary: 'forget a buildpack that was added',
  description: 'What was built with it keeps running. Those that come with paas stay.',
  examples: ['paas buildpacks:remove elm'],
  access: 'admin',
  app: 'none',
  args: { name: BuildpackName },
  result: z.object({ name: z.string() }),
  async run({ args: { name } }, { platform, identity }) {
    const who = { owner: identityName(identity), verb: 'buildpacks:remove' }
    await platform.queues.run('buildpacks', who, () => removeBuildpack(platform.paths.buildpacks, name))
    return { name }
  },
  render: ({ name }) => `${name} is gone.\n`,
})

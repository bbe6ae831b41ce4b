import { z } from 'zod'
import { changeBuildSettings } from '../../apps/build-settings.ts'
import { checkImageName } from '../../build/dockerfile.ts'
import { ImageName } from '../../model/image-name.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const baseSet = defineCommand({
  name: 'base:set',
  summary: 'build an app on another image than the base',
  description:
    'For a version of a language that the base does not have: an official image has it, where its registry can be ' +
    'reached. Counts from the next push on. Without an image the app goes back to the base.',
  examples: ['paas base:set -a blog node:22-bookworm-slim', 'paas base:set -a blog'],
  access: 'deploy',
  app: 'required',
  args: {
    image: ImageName.optional().describe('image name with its tag'),
  },
  result: z.object({ app: z.string(), base: z.string().nullable() }),
  async run({ app, args }, context) {
    if (args.image !== undefined) checkImageName(args.image, 'The base')
    const who = { ...askerOf(context), verb: 'base:set' }
    const { base } = await changeBuildSettings(context.platform, app, () => ({ base: args.image }), who)
    return { app: app.name, base: base ?? null }
  },
  render: ({ app, base }) => `The next push builds ${app} on ${base ?? 'the base of paas'}.\n`,
})

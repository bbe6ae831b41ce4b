import { z } from 'zod'
import { deployFromImage } from '../../deploy/from-image.ts'
import { ImageName } from '../../model/image-name.ts'
import { deployContext } from '../deploying.ts'
import { defineCommand } from '../define.ts'

export const gitFromImage = defineCommand({
  name: 'git:from-image',
  topic: 'builds',
  summary: 'deploy an image that was built elsewhere',
  description:
    'Releases a prebuilt image through the same checks and switch as a push. Its EXPOSE is the port, and its CMD, ' +
    'ENTRYPOINT, USER and HEALTHCHECK count. It is one that this engine has, or that its registry gives. The next git ' +
    'push builds from source again.',
  examples: [
    'paas git:from-image blog ghost:5-alpine',
    'paas git:from-image -a blog registry.example.com/blog:v7',
  ],
  access: 'deploy',
  app: 'required',
  args: { image: ImageName.describe('image name with its tag') },
  result: z.object({ app: z.string(), image: z.string(), release: z.int() }),
  async run({ app, args: { image } }, context) {
    const release = await deployFromImage(app, image, deployContext(context))
    return { app: app.name, image, release }
  },
  render: ({ app, image, release }) => `v${release} of ${app} is live: ${image}.\n`,
})

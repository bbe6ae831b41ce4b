import { z } from 'zod'
import { changeBuildSettings } from '../../apps/build-settings.ts'
import { isDockerfilePath } from '../../build/source.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const dockerfileSet = defineCommand({
  name: 'dockerfile:set',
  topic: 'builds',
  summary: 'choose which Dockerfile, and which stage of it, builds an app',
  description:
    'Counts from the next push on. The build context is the whole source, wherever the Dockerfile is. What is not named ' +
    'goes back to what it was without: the Dockerfile at the root, its last stage.',
  examples: [
    'paas dockerfile:set -a shop --path docker/Dockerfile.web',
    'paas dockerfile:set -a shop --target production',
    'paas dockerfile:set -a shop',
  ],
  access: 'deploy',
  app: 'required',
  flags: {
    path: z
      .string()
      .max(255)
      .regex(/^[\w@+-][\w./@+-]*$/, 'a path is relative to the root of the source')
      .refine((path) => !path.split('/').includes('..'), 'a path has no ..')
      .refine(isDockerfilePath, 'the file has Dockerfile in its name')
      .optional()
      .describe('where the Dockerfile is in the source'),
    target: z
      .string()
      .max(128)
      .regex(/^[A-Za-z0-9][\w.-]*$/, 'a stage has letters, digits and . _ -')
      .optional()
      .describe('the stage that becomes the image')
      .meta({ value: 'stage' }),
  },
  result: z.object({ app: z.string(), path: z.string().nullable(), target: z.string().nullable() }),
  async run({ app, flags }, context) {
    const who = { ...askerOf(context), verb: 'dockerfile:set' }
    const change = () => ({ dockerfile: flags.path, target: flags.target })
    const { dockerfile, target } = await changeBuildSettings(context.platform, app, change, who)
    return { app: app.name, path: dockerfile ?? null, target: target ?? null }
  },
  render: ({ app, path, target }) =>
    `The next push builds ${app} with ${path ?? 'the Dockerfile at its root, where there is one'}` +
    `${target === null ? '' : `, up to the stage ${target}`}.\n`,
})

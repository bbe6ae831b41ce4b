import { z } from 'zod'
import { changeBuildSettings } from '../../apps/build-settings.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'

export const buildpacksSet = defineCommand({
  name: 'buildpacks:set',
  summary: 'choose what an app is built with',
  description:
    'Counts from the next push on. Several build one after another, and the last one makes the image: node ruby ' +
    'builds assets before a Rails app. A git URL, or a folder of the source, is a classic Heroku buildpack. Without a ' +
    'name it is found again by what is in the source.',
  examples: [
    'paas buildpacks:set -a blog python',
    'paas buildpacks:set -a shop node ruby',
    'paas buildpacks:set -a shop https://github.com/heroku/heroku-buildpack-scala',
    'paas buildpacks:set -a blog',
  ],
  access: 'deploy',
  app: 'required',
  args: { buildpacks: z.array(z.string()).default([]).describe('names, as buildpacks:list has them') },
  result: z.object({ app: z.string(), buildpacks: z.array(z.string()) }),
  async run({ app, args }, context) {
    const { platform } = context
    const known = [...(await platform.buildpacks()).map(({ manifest }) => manifest.name), 'dockerfile']
    // A URL, or a folder of the source, is a classic Heroku buildpack.
    const unknown = args.buildpacks.find((name) => !known.includes(name) && !name.includes('/'))
    if (unknown !== undefined)
      throw new PaasError('NOT_FOUND', `There is no buildpack ${JSON.stringify(unknown)}.`, {
        hint: `There are: ${known.join(', ')}.`,
      })
    if (args.buildpacks.length > 1 && args.buildpacks.includes('dockerfile'))
      throw new PaasError('INVALID_INPUT', 'A Dockerfile builds alone.', {
        hint: 'Give it a stage for what the other one would do.',
      })
    const chosen = args.buildpacks.length === 0 ? undefined : args.buildpacks
    const who = { ...askerOf(context), verb: 'buildpacks:set' }
    const settings = await changeBuildSettings(platform, app, () => ({ chosen }), who)
    return { app: app.name, buildpacks: settings.chosen ?? [] }
  },
  render: ({ app, buildpacks }) =>
    buildpacks.length === 0
      ? `The next push finds out itself how to build ${app}.\n`
      : `The next push builds ${app} with ${buildpacks.join(', then ')}.\n`,
})

import { z } from 'zod'
import { changeBuildSettings } from '../../apps/build-settings.ts'
import { type BuildSettings } from '../../model/app.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'
import { Pair, shownArgs, ShownArgs, renderArgs } from './fields.ts'

export const buildArgsSet = defineCommand({
  name: 'build-args:set',
  topic: 'builds',
  summary: 'set build arguments for the Dockerfile of an app',
  description:
    'Values for ARG instructions, from the next push on. They can be seen in the image, so a secret is a config var: a ' +
    'step mounts those as the secret env.',
  examples: ['paas build-args:set -a shop NODE_VERSION=22 FLAVOUR=slim'],
  access: 'deploy',
  app: 'required',
  args: { pairs: z.array(Pair).min(1, 'give at least one NAME=value').describe('NAME=value') },
  result: ShownArgs,
  async run({ app, args }, context) {
    const who = { ...askerOf(context), verb: 'build-args:set' }
    const change = ({ buildArgs }: BuildSettings) => ({
      buildArgs: { ...buildArgs, ...Object.fromEntries(args.pairs) },
    })
    return shownArgs(app, await changeBuildSettings(context.platform, app, change, who))
  },
  render: renderArgs,
})

import { z } from 'zod'
import { changeBuildSettings } from '../../apps/build-settings.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { BuildArgument, type BuildSettings } from '../../model/app.ts'
import { defineCommand } from '../define.ts'
import { askerOf } from '../deploying.ts'
import { shownArgs, ShownArgs, renderArgs } from './fields.ts'

export const buildArgsUnset = defineCommand({
  name: 'build-args:unset',
  topic: 'builds',
  summary: 'take build arguments away',
  examples: ['paas build-args:unset -a shop FLAVOUR'],
  access: 'deploy',
  app: 'required',
  args: { names: z.array(BuildArgument).min(1, 'give at least one name').describe('their names') },
  result: ShownArgs,
  async run({ app, args: { names } }, context) {
    const who = { ...askerOf(context), verb: 'build-args:unset' }
    const change = ({ buildArgs = {} }: BuildSettings) => {
      const missing = names.find((name) => !Object.hasOwn(buildArgs, name))
      if (missing !== undefined)
        throw new PaasError('NOT_FOUND', `${app.name} has no build argument ${missing}.`, {
          hint: `What there is: paas build-args -a ${app.name}`,
        })
      const left = Object.entries(buildArgs).filter(([name]) => !names.some((gone) => gone === name))
      return { buildArgs: left.length === 0 ? undefined : Object.fromEntries(left) }
    }
    return shownArgs(app, await changeBuildSettings(context.platform, app, change, who))
  },
  render: renderArgs,
})

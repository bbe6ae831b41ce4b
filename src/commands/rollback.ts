import { z } from 'zod'
import { rollBack } from '../deploy/rollback.ts'
import { PaasError } from '../errors/paas-error.ts'
import { defineCommand } from './define.ts'
import { deployContext } from './deploying.ts'
import { version } from './fields.ts'

export const rollback = defineCommand({
  name: 'rollback',
  topic: 'releases',
  aliases: ['releases:rollback'],
  summary: 'make an older release live again',
  description:
    'Releases the image and the config of an older release again, with its limits and checks, as a new release, checked ' +
    'and switched like every other. Without a version it is the one that was live before this one. Where that is what runs ' +
    'already, nothing happens.',
  examples: ['paas rollback -a blog', 'paas rollback -a blog v12', 'paas rollback -a blog v12 --code-only'],
  access: 'deploy',
  app: 'required',
  args: { version: version.optional().describe('v12, or 12') },
  flags: {
    codeOnly: z.boolean().default(false).describe('take its image, and keep all else as it is'),
    configOnly: z
      .boolean()
      .default(false)
      .describe('take its config, limits and checks, and keep the image as it is'),
  },
  result: z.object({
    app: z.string(),
    /** The live release. */
    release: z.int(),
    rolledBackTo: z.int(),
    /** false: what ran is the same. */
    changed: z.boolean(),
  }),
  async run({ app, args, flags }, context) {
    if (flags.codeOnly && flags.configOnly) {
      throw new PaasError('INVALID_INPUT', '--code-only and --config-only exclude each other.', {
        hint: 'Without either, image and config go back together.',
      })
    }
    const parts = flags.codeOnly ? 'code' : flags.configOnly ? 'config' : 'all'
    const done = await rollBack(app, { version: args.version, parts }, deployContext(context))
    return { app: app.name, release: done.version, rolledBackTo: done.from, changed: done.changed }
  },
  render: ({ app, release, rolledBackTo, changed }) =>
    changed
      ? `${app} is back at v${rolledBackTo}, as v${release}.\n`
      : `Nothing to change: ${app} is at v${rolledBackTo} already${release === rolledBackTo ? '' : `, as v${release}`}.\n`,
})

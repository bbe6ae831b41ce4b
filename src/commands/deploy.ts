import { z } from 'zod'
import { previewPush } from '../deploy/preview.ts'
import { PaasError } from '../errors/paas-error.ts'
import { Formation } from '../model/app.ts'
import { defineCommand } from './define.ts'
import { renderDiff, ShownDiff, shownDiff } from './releases/shown-diff.ts'
import { details } from './render.ts'

export const deploy = defineCommand({
  name: 'deploy',
  topic: 'builds',
  summary: 'show what a push would change',
  description:
    'With --plan, shows what a push of a commit of the clone that you are in would do, and changes nothing: builder, ' +
    'processes, names of config vars, hosts, checks and cron entries. - takes a tar from stdin instead. What deploys ' +
    'is git push.',
  examples: [
    'paas deploy -a blog --plan',
    'paas deploy -a blog --plan v2.0',
    'paas deploy -a blog --plan - < source.tar',
  ],
  access: 'read',
  app: 'required',
  args: { commit: z.string().default('HEAD').describe('a commit, branch or tag; - for a tar on stdin') },
  flags: { plan: z.boolean().default(false).describe('show what would change') },
  result: z.object({
    builder: z.string(),
    why: z.string(),
    version: z.int(),
    diff: ShownDiff,
    formation: Formation,
    hosts: z.array(z.string()),
    port: z.int().nullable(),
    warnings: z.array(z.string()),
    /** What would stop the push before anything is built. */
    problem: z.string().nullable(),
  }),
  async run({ app, args, flags }, { platform, io }) {
    if (!flags.plan) {
      throw new PaasError('INVALID_INPUT', 'A push deploys; this shows what one would do.', {
        hint: 'To deploy: git push paas main. To look first: paas deploy --plan',
      })
    }
    const source = () => (args.commit === '-' ? io.stdin() : io.archive(args.commit))
    const preview = await previewPush(app, source, platform)
    return {
      ...preview,
      diff: shownDiff(preview.diff),
      port: preview.port ?? null,
      problem: preview.problem ?? null,
    }
  },
  exitCode: ({ problem }) => (problem === null ? 0 : 1),
  render: ({ builder, why, version, diff, formation, hosts, port, warnings, problem }) =>
    details(`v${version} would be built with ${builder} (${why})`, {
      processes: Object.entries(formation)
        .map(([type, quantity]) => `${type}=${quantity}`)
        .join(' '),
      hosts: hosts.join(', '),
      port: port === null ? undefined : String(port),
    }) +
    `changes:\n${renderDiff(diff).replace(/^(?=.)/gm, '  ')}` +
    [...warnings, ...(problem === null ? [] : [`it would be refused: ${problem}`])]
      .map((text) => ` !     ${text}\n`)
      .join(''),
})

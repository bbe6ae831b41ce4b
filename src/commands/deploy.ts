import { z } from 'zod'
import { previewPush } from '../deploy/preview.ts'
import { rebuild } from '../deploy/rebuild.ts'
import { PaasError } from '../errors/paas-error.ts'
import { Formation } from '../model/app.ts'
import { defineCommand } from './define.ts'
import { deployContext } from './deploying.ts'
import { renderDiff, ShownDiff, shownDiff } from './releases/shown-diff.ts'
import { details } from './render.ts'

const Plan = z.object({
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
})
const Deployed = z.object({ app: z.string(), release: z.int(), commit: z.string() })

export const deploy = defineCommand({
  name: 'deploy',
  topic: 'builds',
  aliases: ['ps:rebuild'],
  summary: 'deploy a pushed commit again, or show what a push would change',
  description:
    'Builds and deploys a commit that was pushed before, by the same checks and switch as a push: the live one, or the ' +
    'branch, tag or commit that is named. With --plan, shows what a push of a commit of the clone that you are in would ' +
    'do, and changes nothing: builder, processes, names of config vars, hosts, checks and cron entries; - takes a tar ' +
    'from stdin instead.',
  examples: [
    'paas deploy -a blog',
    'paas deploy -a blog v2.0',
    'paas deploy -a blog --plan',
    'paas deploy -a blog --plan - < source.tar',
  ],
  access: 'deploy',
  app: 'required',
  args: {
    commit: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe(
        'a commit, branch or tag that was pushed; with --plan, one of your clone, or - for a tar on stdin',
      ),
  },
  flags: { plan: z.boolean().default(false).describe('show what would change, and change nothing') },
  result: z.union([Plan, Deployed]),
  async run({ app, args: { commit }, flags }, context) {
    const { platform, io } = context
    if (!flags.plan) {
      if (commit === '-') {
        throw new PaasError('INVALID_INPUT', 'A tar can be planned, not deployed.', {
          hint: 'A release is made from a commit: git push paas main',
        })
      }
      return { app: app.name, ...(await rebuild(app, deployContext(context), commit)) }
    }
    const source = () => (commit === '-' ? io.stdin() : io.archive(commit ?? 'HEAD'))
    const preview = await previewPush(app, source, platform)
    return {
      ...preview,
      diff: shownDiff(preview.diff),
      port: preview.port ?? null,
      problem: preview.problem ?? null,
    }
  },
  exitCode: (result) => ('problem' in result && result.problem !== null ? 1 : 0),
  render: (result) =>
    'problem' in result
      ? renderPlan(result)
      : `v${result.release} of ${result.app} is live: ${result.commit.slice(0, 10)}.\n`,
})

function renderPlan(plan: z.output<typeof Plan>): string {
  const { builder, why, version, diff, formation, hosts, port, warnings, problem } = plan
  return (
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
      .join('')
  )
}

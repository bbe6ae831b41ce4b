import { z } from 'zod'
import { diffReleases } from '../../deploy/diff.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { defineCommand } from '../define.ts'
import { version } from '../fields.ts'
import { renderDiff, ShownDiff, shownDiff } from './shown-diff.ts'

export const releasesDiff = defineCommand({
  name: 'releases:diff',
  summary: 'show what differs between two releases',
  description:
    'Shows commit, image, config vars (names only), processes, checks, limits and cron entries that differ. With ' +
    'one version the live release is the other.',
  examples: ['paas releases:diff -a blog v11 v12', 'paas releases:diff -a blog v11 --json'],
  access: 'read',
  app: 'required',
  args: {
    from: version.describe('v11, or 11'),
    to: version.optional().describe('v12, or 12; the live release'),
  },
  result: z.object({ from: z.int(), to: z.int(), diff: ShownDiff }),
  async run({ app, args }, { platform }) {
    const to = args.to ?? app.currentRelease ?? 0
    const [old, now] = await Promise.all(
      [args.from, to].map(async (wanted) => {
        const found = await platform.store.releases.get(app.id, wanted)
        if (found !== undefined) return found
        throw new PaasError('NOT_FOUND', `There is no release v${wanted}.`, {
          hint: `What there is: paas releases -a ${app.name}`,
        })
      }),
    )
    return { from: args.from, to, diff: shownDiff(diffReleases(old, now!)) }
  },
  render: ({ from, to, diff }) => renderDiff(diff) || `v${from} and v${to} do not differ.\n`,
})

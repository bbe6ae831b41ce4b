import { z } from 'zod'
import { ReleaseStatus } from '../../model/release.ts'
import { defineCommand } from '../define.ts'
import { count } from '../fields.ts'
import { ago, table } from '../render.ts'

export const releasesList = defineCommand({
  name: 'releases:list',
  aliases: ['releases'],
  summary: 'list the releases, newest first',
  description: 'Lists the releases, newest first. Those that failed are there too, with the reason.',
  examples: ['paas releases -a blog', 'paas releases -a blog -n 100 --json'],
  whenEmpty: 'There are no releases yet: git push paas main',
  access: 'read',
  app: 'required',
  flags: { lines: count.default(15).describe('how many').meta({ short: 'n', value: 'number' }) },
  result: z.array(
    z.object({
      version: z.int(),
      status: ReleaseStatus,
      description: z.string(),
      createdAt: z.string(),
      createdBy: z.string(),
      commit: z.string().nullable(),
      /** Why it failed; null where it did not. */
      reason: z.string().nullable(),
    }),
  ),
  async run({ app, flags }, { platform }) {
    const releases = await platform.store.releases.list(app.id)
    return releases
      .slice(0, flags.lines)
      .map(({ version, status, description, createdAt, createdBy, commit, reason }) => ({
        version,
        status,
        description,
        createdAt,
        createdBy,
        commit: commit ?? null,
        reason: reason ?? null,
      }))
  },
  render: (releases) =>
    table(
      releases.map(({ version, status, description, createdBy, createdAt, reason }) => [
        `v${version}`,
        status === 'superseded' ? '' : status,
        description,
        createdBy,
        ago(new Date(createdAt), new Date()),
        reason?.split('\n')[0] ?? '',
      ]),
    ),
})

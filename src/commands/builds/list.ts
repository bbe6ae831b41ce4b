import { z } from 'zod'
import { settled } from '../../deploy/build-record.ts'
import { buildStatuses } from '../../model/build.ts'
import { defineCommand } from '../define.ts'
import { count } from '../fields.ts'
import { ago, table } from '../render.ts'

export const buildsList = defineCommand({
  name: 'builds:list',
  aliases: ['builds'],
  summary: 'list the builds of an app, newest first',
  description: 'Lists the last 20 builds: those that wait, run, became a release, failed or were cancelled.',
  examples: ['paas builds -a blog', 'paas builds -a blog --json'],
  whenEmpty: 'There are no builds yet: git push paas main',
  access: 'read',
  app: 'required',
  flags: { lines: count.default(15).describe('how many').meta({ short: 'n', value: 'number' }) },
  result: z.array(
    z.object({
      id: z.string(),
      status: z.enum(buildStatuses),
      /** Null where it was not made from a commit. */
      commit: z.string().nullable(),
      /** The image that it was made from (git:from-image). */
      image: z.string().nullable(),
      createdAt: z.string(),
      createdBy: z.string(),
      /** Seconds; null while it runs. */
      seconds: z.number().nullable(),
      release: z.int().nullable(),
      reason: z.string().nullable(),
    }),
  ),
  async run({ app, flags }, { platform }) {
    const builds = await platform.store.builds.list(app.id)
    return builds.slice(0, flags.lines).map((stored) => {
      const build = settled(stored, platform.builds.has(stored.id))
      const ended = build.finishedAt === undefined ? undefined : Date.parse(build.finishedAt)
      return {
        id: build.id,
        status: build.status,
        commit: build.commit ?? null,
        image: build.image ?? null,
        createdAt: build.createdAt,
        createdBy: build.createdBy,
        seconds: ended === undefined ? null : (ended - Date.parse(build.createdAt)) / 1000,
        release: build.release ?? null,
        reason: build.reason ?? null,
      }
    })
  },
  render: (builds) =>
    table(
      builds.map(({ id, status, commit, image, createdAt, createdBy, seconds, release, reason }) => [
        id,
        status,
        commit?.slice(0, 8) ?? image ?? '',
        createdBy,
        ago(new Date(createdAt), new Date()),
        seconds === null ? '' : `${seconds.toFixed(1)} s`,
        release === null ? (reason?.split('\n')[0] ?? '').slice(0, 80) : `v${release}`,
      ]),
    ),
})

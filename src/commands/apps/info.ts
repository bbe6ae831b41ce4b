import { z } from 'zod'
import { urlsOf } from '../../apps/hosts.ts'
import { formationOf } from '../../deploy/formation.ts'
import { Formation } from '../../model/app.ts'
import { defineCommand } from '../define.ts'
import { details } from '../render.ts'
import { remoteOf } from './remote.ts'

export const appsInfo = defineCommand({
  name: 'apps:info',
  aliases: ['info'],
  summary: 'show what there is of an app',
  examples: ['paas apps:info -a blog', 'paas apps:info -a blog --json'],
  access: 'read',
  app: 'required',
  result: z.object({
    name: z.string(),
    urls: z.array(z.string()),
    /** The live release; null before the first. */
    release: z
      .object({
        version: z.int(),
        description: z.string(),
        createdAt: z.string(),
        createdBy: z.string(),
        commit: z.string().nullable(),
        builder: z.string(),
      })
      .nullable(),
    formation: Formation,
    domains: z.array(z.string()),
    /** Who refuses changes of what runs, and why; null: nobody. */
    lock: z.object({ reason: z.string(), by: z.string(), at: z.string() }).nullable(),
    /** The branch whose push is deployed; null until the first push decides. */
    branch: z.string().nullable(),
    remote: z.string(),
    createdAt: z.string(),
  }),
  async run({ app }, { platform }) {
    const { instance, store } = platform
    const live =
      app.currentRelease === undefined ? undefined : await store.releases.get(app.id, app.currentRelease)
    return {
      name: app.name,
      urls: urlsOf(app, instance),
      release:
        live === undefined
          ? null
          : {
              version: live.version,
              description: live.description,
              createdAt: live.createdAt,
              createdBy: live.createdBy,
              commit: live.commit ?? null,
              builder: live.image.builder,
            },
      formation: formationOf(app, live?.image),
      domains: app.domains,
      lock: app.lock ?? null,
      branch: app.branch ?? null,
      remote: remoteOf(app, instance),
      createdAt: app.createdAt,
    }
  },
  render: ({ name, urls, release, formation, domains, lock, branch, remote, createdAt }) =>
    details(name, {
      url: urls[0],
      domains: domains.length === 0 ? undefined : domains.join(', '),
      release:
        release === null ? 'none yet' : `v${release.version}: ${release.description} (${release.createdBy})`,
      built: release === null ? undefined : `with ${release.builder}`,
      processes: Object.entries(formation)
        .map(([type, quantity]) => `${type}=${quantity}`)
        .join(' '),
      locked: lock === null ? undefined : `by ${lock.by}: ${lock.reason}`,
      branch: branch ?? undefined,
      remote,
      created: createdAt,
    }),
})

import { type Redis } from 'ioredis'
import { App } from '../model/app.ts'
import { type AppId } from '../model/names.ts'
import { Release } from '../model/release.ts'
import { parseStored, toStored } from './json.ts'
import { keys } from './keys.ts'
import { execAll, onState, stateUnreachable } from './redis.ts'

export type ReleaseStore = ReturnType<typeof releaseStore>

export function releaseStore(redis: Redis) {
  /** What `live` has read before: hundreds of releases are looked at every few seconds, and hardly any ever changes. */
  let seen = new Map<AppId, { text: string; release: Release }>()

  return {
    async get(id: AppId, version: number): Promise<Release | undefined> {
      const text = await onState(() => redis.hget(keys.releases(id), String(version)))
      return text === null ? undefined : parseStored(Release, `${keys.releases(id)} v${version}`, text)
    },

    /** The current release of each of these apps that has one, in one look. They are shared: change none. */
    async live(apps: readonly App[]): Promise<{ app: App; release: Release }[]> {
      const deployed = apps.filter(({ currentRelease }) => currentRelease !== undefined)
      if (deployed.length === 0) return []
      const pipeline = redis.pipeline()
      for (const { id, currentRelease } of deployed) pipeline.hget(keys.releases(id), String(currentRelease))
      const replies = (await onState(() => pipeline.exec())) ?? []
      const next: typeof seen = new Map()
      const found = deployed.flatMap((app, i) => {
        const [error, text] = replies[i] as [Error | null, string | null]
        if (error !== null) throw error.name === 'ReplyError' ? error : stateUnreachable(error)
        if (text === null) return []
        const before = seen.get(app.id)
        const release =
          before?.text === text
            ? before.release
            : parseStored(Release, `${keys.releases(app.id)} v${app.currentRelease!}`, text)
        next.set(app.id, { text, release })
        return [{ app, release }]
      })
      seen = next
      return found
    },

    /** All releases, newest first. */
    async list(id: AppId): Promise<Release[]> {
      const texts = await onState(() => redis.hgetall(keys.releases(id)))
      return Object.entries(texts)
        .map(([version, text]) => parseStored(Release, `${keys.releases(id)} v${version}`, text))
        .sort((a, b) => b.version - a.version)
    },

    /** Stores a new release together with the app that has taken its number. */
    async create(app: App, release: Release): Promise<void> {
      await execAll(
        redis
          .multi()
          .set(keys.app(app.id), toStored(App, app))
          .hset(keys.releases(app.id), String(release.version), toStored(Release, release)),
      )
    },

    async save(id: AppId, release: Release): Promise<void> {
      await onState(() => redis.hset(keys.releases(id), String(release.version), toStored(Release, release)))
    },
  }
}

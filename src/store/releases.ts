import { type Redis } from 'ioredis'
import { type App } from '../model/app.ts'
import { type AppId } from '../model/names.ts'
import { Release } from '../model/release.ts'
import { parseStored } from './json.ts'
import { keys } from './keys.ts'
import { execAll, onState } from './redis.ts'

export type ReleaseStore = ReturnType<typeof releaseStore>

export function releaseStore(redis: Redis) {
  return {
    async get(id: AppId, version: number): Promise<Release | undefined> {
      const text = await onState(() => redis.hget(keys.releases(id), String(version)))
      return text === null ? undefined : parseStored(Release, `${keys.releases(id)} v${version}`, text)
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
          .set(keys.app(app.id), JSON.stringify(app))
          .hset(keys.releases(app.id), String(release.version), JSON.stringify(release)),
      )
    },

    async save(id: AppId, release: Release): Promise<void> {
      await onState(() => redis.hset(keys.releases(id), String(release.version), JSON.stringify(release)))
    },
  }
}

import { type Redis } from 'ioredis'
import { Build } from '../model/build.ts'
import { type AppId } from '../model/names.ts'
import { parseStored, toStored } from './json.ts'
import { keys } from './keys.ts'
import { onState } from './redis.ts'

/** Builds of apps, by their random ids. */
export function buildStore(redis: Redis) {
  return {
    async get(app: AppId, id: string): Promise<Build | undefined> {
      const text = await onState(() => redis.hget(keys.builds(app), id))
      return text === null ? undefined : parseStored(Build, `${keys.builds(app)} ${id}`, text)
    },

    /** All builds, newest first. */
    async list(app: AppId): Promise<Build[]> {
      const texts = await onState(() => redis.hgetall(keys.builds(app)))
      return Object.entries(texts)
        .map(([id, text]) => parseStored(Build, `${keys.builds(app)} ${id}`, text))
        .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
    },

    async save(app: AppId, build: Build): Promise<void> {
      await onState(() => redis.hset(keys.builds(app), build.id, toStored(Build, build)))
    },

    async remove(app: AppId, ids: string[]): Promise<void> {
      if (ids.length > 0) await onState(() => redis.hdel(keys.builds(app), ...ids))
    },
  }
}

import { type Redis } from 'ioredis'
import { App } from '../model/app.ts'
import { AppId, type AppName } from '../model/names.ts'
import { type SealedConfig } from '../model/release.ts'
import { parseStored, toStored } from './json.ts'
import { keys } from './keys.ts'
import { execAll, onState } from './redis.ts'

export type AppStore = ReturnType<typeof appStore>

/** Apps, their names and the config of their next release. Callers hold the queue that guards what they change. */
export function appStore(redis: Redis) {
  async function get(id: AppId): Promise<App | undefined> {
    const text = await onState(() => redis.get(keys.app(id)))
    return text === null ? undefined : parseStored(App, keys.app(id), text)
  }

  return {
    get,

    async find(name: AppName): Promise<App | undefined> {
      const id = await onState(() => redis.hget(keys.apps, name))
      return id === null ? undefined : get(AppId.parse(id))
    },

    /** All apps, sorted by name. */
    async list(): Promise<App[]> {
      const ids = await onState(() => redis.hvals(keys.apps))
      if (ids.length === 0) return []
      const names = ids.map((id) => keys.app(AppId.parse(id)))
      const texts = await onState(() => redis.mget(names))
      return texts
        .flatMap((text, i) => (text === null ? [] : [parseStored(App, names[i]!, text)]))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },

    async create(app: App): Promise<void> {
      await execAll(redis.multi().hset(keys.apps, app.name, app.id).set(keys.app(app.id), toStored(App, app)))
    },

    async save(app: App): Promise<void> {
      await onState(() => redis.set(keys.app(app.id), toStored(App, app)))
    },

    async remove(app: App): Promise<void> {
      await execAll(
        redis
          .multi()
          .hdel(keys.apps, app.name)
          .del(keys.app(app.id), keys.config(app.id), keys.releases(app.id))
          .del(keys.builds(app.id), keys.cronRuns(app.id)),
      )
    },

    /** Sealed values by name: the config of the next release. */
    async config(id: AppId): Promise<SealedConfig> {
      return onState(() => redis.hgetall(keys.config(id)))
    },

    async saveConfig(id: AppId, config: SealedConfig): Promise<void> {
      const multi = redis.multi().del(keys.config(id))
      if (Object.keys(config).length > 0) multi.hset(keys.config(id), config)
      await execAll(multi)
    },
  }
}

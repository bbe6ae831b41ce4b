import { type Redis } from 'ioredis'
import { type AppId } from '../model/names.ts'
import { Service, ServiceId, type ServiceName } from '../model/service.ts'
import { parseStored, toStored } from './json.ts'
import { keys } from './keys.ts'
import { execAll, onState } from './redis.ts'

export type ServiceStore = ReturnType<typeof serviceStore>

/** Services and their names. Callers hold the queue of the service that they change. */
export function serviceStore(redis: Redis) {
  async function get(id: ServiceId): Promise<Service | undefined> {
    const text = await onState(() => redis.get(keys.service(id)))
    return text === null ? undefined : parseStored(Service, keys.service(id), text)
  }

  /** All services, sorted by name. */
  async function list(): Promise<Service[]> {
    const ids = Object.values(await onState(() => redis.hgetall(keys.services)))
    const found = await Promise.all(ids.map((id) => get(ServiceId.parse(id))))
    return found.filter((service) => service !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  return {
    get,
    list,

    async find(name: ServiceName): Promise<Service | undefined> {
      const id = await onState(() => redis.hget(keys.services, name))
      return id === null ? undefined : get(ServiceId.parse(id))
    },

    /** The services that an app is linked to, sorted by name. */
    async ofApp(app: AppId): Promise<Service[]> {
      return (await list()).filter(({ links }) => links.some((link) => link.app === app))
    },

    async create(service: Service): Promise<void> {
      await execAll(
        redis
          .multi()
          .hset(keys.services, service.name, service.id)
          .set(keys.service(service.id), toStored(Service, service)),
      )
    },

    async save(service: Service): Promise<void> {
      await onState(() => redis.set(keys.service(service.id), toStored(Service, service)))
    },

    /** Stores the service under its new name and frees the old one. */
    async rename(service: Service, oldName: ServiceName): Promise<void> {
      await execAll(
        redis
          .multi()
          .hdel(keys.services, oldName)
          .hset(keys.services, service.name, service.id)
          .set(keys.service(service.id), toStored(Service, service)),
      )
    },

    async remove(service: Service): Promise<void> {
      await execAll(redis.multi().hdel(keys.services, service.name).del(keys.service(service.id)))
    },
  }
}

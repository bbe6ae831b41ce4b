import { type Redis } from 'ioredis'
import { App } from '../model/app.ts'
import { Release, type SealedConfig } from '../model/release.ts'
import { type Route } from '../model/route.ts'
import { toStored } from './json.ts'
import { keys } from './keys.ts'
import { execAll } from './redis.ts'
import { routeChange } from './routes.ts'

export type Switch = {
  app: App
  releases: Release[]
  routes: Route[]
  /** The config that the next release starts from; undefined: as it is. */
  config?: SealedConfig
}

/** The app, the releases whose status changes and the routes, in one transaction: all of it or nothing. */
export async function switchTo(redis: Redis, { app, releases, routes, config }: Switch): Promise<number> {
  const multi = redis.multi().set(keys.app(app.id), toStored(App, app))
  for (const release of releases) {
    multi.hset(keys.releases(app.id), String(release.version), toStored(Release, release))
  }
  if (config !== undefined) {
    multi.del(keys.config(app.id))
    if (Object.keys(config).length > 0) multi.hset(keys.config(app.id), config)
  }
  const replies = await execAll(multi.call(...routeChange({ set: routes, remove: [] })))
  return Number(replies.at(-1))
}

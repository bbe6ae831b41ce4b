import { type Redis } from 'ioredis'
import { App } from '../model/app.ts'
import { type AppName } from '../model/names.ts'
import { toStored } from './json.ts'
import { keys } from './keys.ts'
import { execAll } from './redis.ts'
import { routeChange, type RouteChanges } from './routes.ts'

export type HostChange = {
  app: App
  /** The name that it had, where that is another one. */
  oldName?: AppName
  routes: RouteChanges
}

/** An app whose name or domains change and the routes that follow from it, in one transaction: all or nothing. */
export async function changeHosts(redis: Redis, { app, oldName, routes }: HostChange): Promise<number> {
  const multi = redis.multi().set(keys.app(app.id), toStored(App, app))
  if (oldName !== undefined) multi.hdel(keys.apps, oldName).hset(keys.apps, app.name, app.id)
  const replies = await execAll(multi.call(...routeChange(routes)))
  return Number(replies.at(-1))
}

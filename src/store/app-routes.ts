import { type Redis } from 'ioredis'
import { PaasError } from '../errors/paas-error.ts'
import { type Route } from '../model/route.ts'
import { onState } from './redis.ts'
import {
  awaitSwitch,
  otherSpellings,
  readRoutes,
  readWorkers,
  routeChannels,
  type RouteChanges,
  routeKeys,
  setRoutes,
  type Switched,
} from './routes.ts'

/** How long workers may take to apply a table before a switch goes on without them. */
const applyLimit = 5_000

/*
 * KEYS[1] version; then frontend and dead key of each host. ARGV[1] channel, ARGV[2] backend, then the hosts.
 * One script, because a read and a write apart could undo a switch that comes in between.
 */
const ejectScript = `
local changed = {}
for i = 3, #ARGV do
  local at = 2 * (i - 2)
  if redis.call('LREM', KEYS[at], 0, ARGV[2]) > 0 then
    redis.call('DEL', KEYS[at + 1])
    table.insert(changed, ARGV[i])
  end
end
if #changed == 0 then return 0 end
local version = redis.call('INCR', KEYS[1])
redis.call('PUBLISH', ARGV[1], version .. ' ' .. table.concat(changed, ' '))
return version`

/** Routes as the controller changes them: store/routes.ts with failures as PaasErrors. */
export function appRoutes(redis: Redis) {
  const list = async (host: string): Promise<string[]> =>
    onState(() => redis.lrange(routeKeys.frontend(host), 0, -1)).catch((error: unknown) => {
      throw error instanceof Error && error.message.startsWith('WRONGTYPE') ? noList(host, error) : error
    })
  const set = (changes: RouteChanges): Promise<number> => onState(() => setRoutes(redis, changes))

  return {
    set,

    async get(host: string): Promise<Route | undefined> {
      const [identifier, ...backends] = await list(host)
      return identifier === undefined ? undefined : { host, identifier, backends }
    },

    all: (): Promise<Route[]> => onState(() => readRoutes(redis)),

    /** Hosts that are this one in letters of another case, as other programs may have written their keys. */
    spellings: (host: string): Promise<string[]> => onState(() => otherSpellings(redis, host)),

    /** Takes away how hosts are balanced and checked. */
    async forgetSettings(hosts: string[]): Promise<void> {
      const keys = hosts.flatMap((host) => [routeKeys.options(host), routeKeys.healthcheck(host)])
      await onState(() => redis.del(keys))
    },

    /** Leaves the weights of those backends of a host, by position, that stay; none where nobody would serve by them. */
    async keepWeights(host: string, stay: number[]): Promise<void> {
      const key = routeKeys.options(host)
      const weights = (await onState(() => redis.hget(key, 'weights')))?.split(',')
      if (weights === undefined) return
      const kept = stay.map((position) => weights[position] ?? '1')
      const serves = kept.some((weight) => Number(weight) !== 0)
      await onState(() => (serves ? redis.hset(key, 'weights', kept.join(',')) : redis.hdel(key, 'weights')))
    },

    workers: () => onState(() => readWorkers(redis)),

    /** Takes a backend that is gone out of these hosts at once; the table's version, or 0 where it was in none. */
    async eject(hosts: string[], backend: string): Promise<number> {
      const keys = hosts.flatMap((host) => [routeKeys.frontend(host), routeKeys.dead(host)])
      const args = [routeKeys.version, ...keys, routeChannels.changed, backend, ...hosts]
      const version = await onState(() => redis.call('EVAL', ejectScript, 1 + keys.length, ...args))
      return Number(version)
    },

    /** Resolves when every live router worker serves by this version, or after 5 s. Never rejects. */
    awaitApplied: (version: number): Promise<Switched> =>
      awaitSwitch(redis, { version, backends: [], drainTimeoutMs: applyLimit }),

    awaitSwitch: (options: {
      version: number
      backends: string[]
      drainTimeoutMs: number
    }): Promise<Switched> => awaitSwitch(redis, options),
  }
}

function noList(host: string, cause: Error): PaasError {
  const key = routeKeys.frontend(host)
  return new PaasError('STATE_CORRUPT', `${key} in Redis is no list, so it is no route.`, {
    hint: `What somebody else has put there can be taken away with redis-cli: DEL ${key}`,
    cause,
  })
}

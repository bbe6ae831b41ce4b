import { type Redis } from 'ioredis'
import { type Route, RouterWorker } from '../model/route.ts'

/**
 * Hipache's keys, which hold the routes, and ours beside them that make a switch of routes acknowledged.
 * A real Hipache pointed at the same Redis serves the same traffic.
 */
export const routeKeys = {
  /** LIST [identifier, backend URL, backend URL, …]. */
  frontend: (host: string) => `frontend:${host}`,
  /** SET of 0-based backend indexes that are out; the key's TTL brings them back. */
  dead: (host: string) => `dead:${host}`,
  /** HASH path, body, status (planb's) and interval, timeout, rise, fall: the active check of a host. */
  healthcheck: (host: string) => `healthcheck:${host}`,
  /** HASH balance, weights, sticky, maxInFlight: how a host's backends share its traffic. */
  options: (host: string) => `paas:route:options:${host}`,
  /** STRING: how many changes setRoutes has made. */
  version: 'paas:route:version',
  /** STRING, JSON of model/route.ts RouterWorker, TTL 10 s. */
  worker: (id: string) => `paas:route:worker:${id}`,
  /** SET of worker ids, so that nobody scans for them; an id whose key is gone is a worker that died. */
  workers: 'paas:route:worker:index',
} as const

export const routeChannels = {
  /** "<version> <host> <host> …", published by setRoutes. */
  changed: 'paas:route:changed',
  /** "<worker id>", published by a worker whose record changed. */
  acked: 'paas:route:acked',
  /** "<requested host>;<backend URL>;<index>;<number of backends>": Hipache's. */
  dead: 'dead',
} as const

/*
 * KEYS[1] version; then frontend and dead key of each host. ARGV[1] channel, ARGV[2] JSON: per host the list,
 * empty for a host to remove, ARGV[3] the hosts. Dead indexes are positions in the old list, hence the DEL.
 */
const setRoutesScript = `
local lists = cjson.decode(ARGV[2])
for i, list in ipairs(lists) do
  redis.call('DEL', KEYS[2 * i], KEYS[2 * i + 1])
  for _, element in ipairs(list) do redis.call('RPUSH', KEYS[2 * i], element) end
end
local version = redis.call('INCR', KEYS[1])
redis.call('PUBLISH', ARGV[1], version .. ' ' .. ARGV[3])
return version`

export type RouteChanges = { set: Route[]; remove: string[] }

/** The command that makes a change of routes, for callers that make it part of a transaction of their own. */
export function routeChange(changes: RouteChanges): [command: string, ...arguments: string[]] {
  const lists = [
    ...changes.set.map((route) => [route.identifier, ...route.backends]),
    ...changes.remove.map(() => []),
  ]
  const hosts = [...changes.set.map((route) => route.host), ...changes.remove]
  const keys = [
    routeKeys.version,
    ...hosts.flatMap((host) => [routeKeys.frontend(host), routeKeys.dead(host)]),
  ]
  return [
    'EVAL',
    setRoutesScript,
    String(keys.length),
    ...keys,
    routeChannels.changed,
    JSON.stringify(lists),
    hosts.join(' '),
  ]
}

/** Replaces and removes whole routes in one step that no reader sees half of; resolves to the table's version. */
export async function setRoutes(redis: Redis, changes: RouteChanges): Promise<number> {
  return Number(await redis.call(...routeChange(changes)))
}

/** Hosts that have a key, of those that a glob matches. */
async function hostsLike(redis: Redis, glob: string): Promise<string[]> {
  const prefix = routeKeys.frontend('')
  const hosts = new Set<string>()
  let cursor = '0'
  do {
    const [next, page] = await redis.scan(cursor, 'MATCH', `${prefix}${glob}`, 'COUNT', 1000)
    for (const key of page) hosts.add(key.slice(prefix.length))
    cursor = next
  } while (cursor !== '0')
  return [...hosts].sort()
}

/** Hosts that are this one in letters of another case. */
export async function otherSpellings(redis: Redis, host: string): Promise<string[]> {
  const glob = host.replaceAll('*', '\\*').replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)
  return (await hostsLike(redis, glob)).filter((spelt) => spelt !== host)
}

/** Every route of the table, those written by hand included, sorted by host. */
export async function readRoutes(redis: Redis): Promise<Route[]> {
  const hosts = await hostsLike(redis, '*')
  const pipeline = redis.pipeline()
  for (const host of hosts) pipeline.lrange(routeKeys.frontend(host), 0, -1)
  const replies = (await pipeline.exec()) ?? []
  return hosts.flatMap((host, i) => {
    const [error, list] = replies[i] ?? [null, []]
    // A key of another type is not a route; the router answers 503 for it.
    if (error !== null && !error.message.startsWith('WRONGTYPE')) throw error
    if (!Array.isArray(list) || list.length === 0) return []
    const [identifier = '', ...backends] = list.map(String)
    return [{ host, identifier, backends }]
  })
}

/** What the live router workers last said about themselves. */
export async function readWorkers(redis: Redis): Promise<RouterWorker[]> {
  return (await hearWorkers(redis)).workers
}

/** `version`: of the table. `silent`: ids without a record. They have died; or the record has expired while Redis was away, or its clock. */
async function hearWorkers(
  redis: Redis,
): Promise<{ workers: RouterWorker[]; version: number; silent: string[] }> {
  const ids = await redis.smembers(routeKeys.workers)
  if (ids.length === 0) return { workers: [], version: 0, silent: [] }
  const records = await redis.mget(ids.map(routeKeys.worker))
  const workers = records.flatMap((text) => {
    const parsed = text === null ? undefined : RouterWorker.safeParse(parseJson(text))
    return parsed?.success === true ? [parsed.data] : []
  })
  // After the records, which may not be ahead of it.
  const version = Number((await redis.get(routeKeys.version)) ?? 0)
  return { workers, version, silent: ids.filter((_, i) => records[i] === null) }
}

/** How a switch of routes ended. */
export type Switched = {
  /** Live router workers at the end; 0: no router runs, so nobody can still use the old backends. */
  workers: number
  /** Every live worker serves by the new table. False only when `drainTimeoutMs` ran out first. */
  applied: boolean
  /** Those of `backends` with requests in flight when the limit ran out. */
  undrained: string[]
}

/** A message may be lost with a connection, so the records are read again this often in any case. */
const pollMs = 500

/** A worker that lives speaks within this long of Redis being back (every three seconds); after it, it is forgotten. */
const silenceMs = 4000

/**
 * Resolves when every live router worker has applied `version` of the table and none has a request in flight
 * to one of `backends`, which that version retired; or with what is missing after `drainTimeoutMs`. Rejects
 * with the signal's reason when it is aborted. While Redis is away it goes on waiting.
 */
export async function awaitSwitch(
  redis: Redis,
  options: { version: number; backends: string[]; drainTimeoutMs: number; signal?: AbortSignal },
): Promise<Switched> {
  const { version, backends, drainTimeoutMs, signal } = options
  const deadline = performance.now() + drainTimeoutMs
  /** Since when workers have been silent while Redis was there. */
  let silentSince = new Map<string, number>()
  // The caller's connection may fail fast; this one waits for Redis, and subscribes again when it is back.
  const subscriber = redis.duplicate({ enableOfflineQueue: true, maxRetriesPerRequest: null })
  subscriber.on('error', () => undefined)
  let wake = (): void => undefined
  subscriber.on('message', () => wake())
  signal?.addEventListener('abort', () => wake())
  try {
    await subscriber.subscribe(routeChannels.acked).catch(() => undefined)
    let last: Switched = { workers: 0, applied: false, undrained: [] }
    for (;;) {
      signal?.throwIfAborted()
      // Set up before the read, so that a message that arrives during it is not missed.
      const woken = new Promise<void>((resolve) => (wake = resolve))
      const heard = await hearWorkers(redis).catch(() => undefined)
      if (heard === undefined) silentSince.clear()
      else {
        const now = performance.now()
        silentSince = new Map(heard.silent.map((id) => [id, silentSince.get(id) ?? now]))
        last = judge(heard, version, backends)
        const isOver = last.applied && last.undrained.length === 0
        if (isOver && heard.silent.length === 0) return last
        const dead = heard.silent.filter((id) => now - (silentSince.get(id) ?? now) > silenceMs)
        await forgetWorkers(redis, dead)
      }
      const left = deadline - performance.now()
      if (left <= 0) return last
      await Promise.race([woken, sleep(Math.min(pollMs, left))])
    }
  } finally {
    subscriber.disconnect()
  }
}

async function forgetWorkers(redis: Redis, ids: string[]): Promise<void> {
  if (ids.length > 0) await redis.srem(routeKeys.workers, ids).catch(() => undefined)
}

/** A record of a later version than there is tells of a table before Redis was set back. */
function judge(
  { workers, version: present }: { workers: RouterWorker[]; version: number },
  version: number,
  backends: string[],
): Switched {
  return {
    workers: workers.length,
    applied: workers.every((worker) => worker.version >= version && worker.version <= present),
    undrained: backends.filter((backend) => workers.some((worker) => backend in worker.draining)),
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

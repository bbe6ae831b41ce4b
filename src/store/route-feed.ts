import { Redis } from 'ioredis'
import { type RouterWorker } from '../model/route.ts'
import { type RedisTarget } from './redis-target.ts'
import { routeChannels, routeKeys } from './routes.ts'

/** Everything that Redis holds about one host; empty for what it does not hold. */
export type FedHost = {
  /** As the key spells it. */
  host: string
  /** [identifier, backend URL, …]; empty: no route; undefined: the key is no list, and so says nothing. */
  list: string[] | undefined
  /** Backend indexes that are out. */
  dead: number[]
  /** Milliseconds until `dead` is over; Infinity without a limit. */
  deadMs: number
  options: Record<string, string>
  healthcheck: Record<string, string>
}

export type FeedListener = {
  /** The subscription stands (again): whatever changed before may have been missed. */
  onConnected(): void
  /** These hosts' keys may have changed; `version` when setRoutes changed them. */
  onChanged(hosts: string[], version: number | undefined): void
  onError(message: string): void
}

export type RouteFeed = ReturnType<typeof openRouteFeed>

/** A backend of a host that is out, by its index; `verdict`: an active check of ours has found it out. */
type Mark = {
  host: string
  url: string
  index: number
  backends: number
  ttlSeconds: number
  verdict: boolean
}

const workerTtlMs = 10_000
/** Keys in one go: while a page is taken in, a change waits. */
const pageSize = 250
const keyspaceFlags = 'Kglshxe$'

/**
 * The router's side of the routes in Redis. Reads come from `read`; dead marks and messages go to `write`
 * (Hipache's master and slave drivers). Commands reject at once while Redis is away.
 */
export function openRouteFeed(
  targets: { read: RedisTarget; write: RedisTarget },
  listener: FeedListener,
  options: {
    /** The server may be asked to send keyspace notifications: it belongs to nobody who would mind. */
    mayConfigure: boolean
  },
) {
  const { prefix, database } = targets.read
  const read = connect(targets.read, { enableOfflineQueue: false, socketTimeout: 10_000 })
  const write =
    targets.write === targets.read
      ? read
      : connect(targets.write, { enableOfflineQueue: false, socketTimeout: 10_000 })
  const subscriber = connect(targets.read, { enableOfflineQueue: true, autoResubscribe: false })
  const patterns = [
    `${prefix}${routeKeys.frontend('')}`,
    `${prefix}${routeKeys.dead('')}`,
    routeKeys.healthcheck(''),
    routeKeys.options(''),
  ]
  const keyspace = `__keyspace@${database}__:`
  const marking = new Map<string, Promise<boolean>>()
  let asking: Promise<boolean> | undefined
  let closed = false

  /** The right to hear of changes was refused, and may be granted by the time of the next resync, which remains. */
  let deaf = false
  async function listen(): Promise<void> {
    deaf = false
    const refused = (what: string) => (error: unknown) => {
      // In whatever words: what stands in for a Redis may not know the command.
      if (!(error instanceof Error) || error.name !== 'ReplyError' || isPassing(error)) throw error
      deaf = true
      listener.onError(`no ${what}: ${String(error)}`)
    }
    await subscriber
      .subscribe(routeChannels.changed, routeChannels.dead)
      .catch(refused('announcements of changes'))
    await subscriber
      .psubscribe(...patterns.map((pattern) => `${escapeGlob(`${keyspace}${pattern}`)}*`))
      .catch(refused('keyspace notifications'))
  }

  async function subscribe(): Promise<void> {
    // On this connection, which is there, and not on one that may not be yet; once subscribed it takes no such commands.
    if (options.mayConfigure) await allowNotifications(subscriber).catch(unlessPassing)
    await listen()
    listener.onConnected()
  }

  subscriber.on('ready', () => {
    subscribe().catch((error: unknown) => {
      listener.onError(`cannot subscribe: ${String(error)}`)
      if (!closed) setTimeout(() => subscriber.disconnect(true), 500)
    })
  })
  subscriber.on('message', (channel: string, message: string) => {
    if (channel === routeChannels.dead) {
      const host = message.split(';')[0]
      if (host !== undefined && host !== '') listener.onChanged([host], undefined)
      return
    }
    const [version, ...hosts] = message.split(' ')
    if (/^[0-9]+$/.test(version ?? '')) listener.onChanged(hosts.filter(Boolean), Number(version))
  })
  subscriber.on('pmessage', (_pattern: string, channel: string) => {
    const key = channel.slice(keyspace.length)
    const pattern = patterns.find((start) => key.startsWith(start))
    if (pattern !== undefined) listener.onChanged([key.slice(pattern.length)], undefined)
  })
  for (const connection of new Set([read, write, subscriber])) {
    connection.on('error', (error: Error) => {
      listener.onError(error.message)
      // Of a database that is not there; ioredis would go on with database 0.
      if (/DB index/i.test(error.message)) connection.disconnect(true)
    })
  }

  /**
   * All hosts that have a route, page by page, in one pass over all keys, however many others Redis has; `extras` gets
   * those with anything besides a route.
   */
  async function* hostsWithRoutes(extras: Set<string>): AsyncGenerator<string[]> {
    let cursor = '0'
    do {
      const [next, keys] = await read.scan(cursor, 'MATCH', globOf(patterns), 'COUNT', pageSize)
      cursor = next
      const hosts: string[] = []
      for (const key of keys) {
        const at = patterns.findIndex((start) => key.startsWith(start))
        if (at === 0) hosts.push(key.slice(patterns[0]!.length))
        else if (at !== -1) extras.add(key.slice(patterns[at]!.length))
      }
      if (hosts.length > 0) yield hosts
    } while (cursor !== '0')
  }

  async function readLists(hosts: string[]): Promise<Pick<FedHost, 'host' | 'list'>[]> {
    const pipeline = read.pipeline()
    for (const host of hosts) pipeline.lrange(`${prefix}${routeKeys.frontend(host)}`, 0, -1)
    const replies = repliesOf(await pipeline.exec())
    return hosts.map((host, i) => ({ host, list: listOf(replies[i]) }))
  }

  return {
    /** Whether Redis can be read, as far as is known. */
    get connected(): boolean {
      return read.status === 'ready'
    },

    /** The version of the table, 0 before the first setRoutes. */
    async version(): Promise<number> {
      const version = Number(await read.get(routeKeys.version).catch(nullIfOdd))
      // Whatever somebody else has put there.
      return Number.isSafeInteger(version) && version > 0 ? version : 0
    },

    /**
     * Every route, page by page; a host may come twice. `extras` gets the hosts with anything besides a route: dead sets,
     * options, health checks.
     */
    async *routes(extras: Set<string>): AsyncGenerator<Pick<FedHost, 'host' | 'list'>[]> {
      // Somebody else may have set them otherwise.
      if (options.mayConfigure) await allowNotifications(read).catch(unlessPassing)
      if (deaf && subscriber.status === 'ready') await listen().catch(() => undefined)
      // Redis reads the next page while the one before is taken in.
      let coming: ReturnType<typeof readLists> | undefined
      for await (const hosts of hostsWithRoutes(extras)) {
        const page = readLists(hosts)
        page.catch(() => undefined)
        if (coming !== undefined) yield await coming
        coming = page
      }
      if (coming !== undefined) yield await coming
    },

    /** Everything about these hosts. */
    async hosts(hosts: string[]): Promise<FedHost[]> {
      const pipeline = read.pipeline()
      for (const host of hosts) {
        pipeline.lrange(`${prefix}${routeKeys.frontend(host)}`, 0, -1)
        pipeline.smembers(`${prefix}${routeKeys.dead(host)}`)
        pipeline.pttl(`${prefix}${routeKeys.dead(host)}`)
        pipeline.hgetall(routeKeys.options(host))
        pipeline.hgetall(routeKeys.healthcheck(host))
      }
      const replies = repliesOf(await pipeline.exec(), (i) => i % 5 >= 3)
      return hosts.map((host, i) => {
        const [list, dead, ttl, hostOptions, healthcheck] = replies.slice(5 * i, 5 * i + 5)
        return {
          host,
          list: listOf(list),
          dead: Array.isArray(dead) ? dead.map(String).filter(isIndex).map(Number) : [],
          // -1: without a limit; -2: it ended after the members were read.
          deadMs: ttl === -1 ? Infinity : Math.max(0, Number(ttl)),
          options: record(hostOptions),
          healthcheck: record(healthcheck),
        }
      })
    },

    /**
     * Hipache's dead mark: the index into the set, the set's TTL, the announcement. While an active checker lives
     * (`hchecker_ping` within 30 s) what is no verdict is only announced, and the checker decides. Resolves to whether
     * it was written. One that is under way already is not made twice.
     */
    markDead(mark: Mark): Promise<boolean> {
      const key = `${mark.host} ${mark.index}`
      const present = marking.get(key)
      if (present !== undefined) return present
      const made = writeMark(mark).finally(() => marking.delete(key))
      marking.set(key, made)
      return made
    },

    async unmarkDead(host: string, index: number): Promise<void> {
      await write.srem(`${prefix}${routeKeys.dead(host)}`, index)
    },

    checkerLives,

    async announce(worker: RouterWorker): Promise<void> {
      const multi = write.multi()
      multi.sadd(routeKeys.workers, worker.id)
      multi.set(routeKeys.worker(worker.id), JSON.stringify(worker), 'PX', workerTtlMs)
      multi.publish(routeChannels.acked, worker.id)
      await multi.exec()
    },

    async withdraw(ids: string[]): Promise<void> {
      // One that stands still would take this in only later, and perhaps before it hears of a successor that serves by
      // an older table: until then the record's place is kept.
      await write.ping().catch(nullIfRefused)
      const multi = write.multi()
      for (const id of ids) {
        multi.srem(routeKeys.workers, id)
        multi.del(routeKeys.worker(id))
        multi.publish(routeChannels.acked, id)
      }
      await multi.exec()
    },

    close(): void {
      closed = true
      for (const connection of new Set([read, write, subscriber])) connection.disconnect()
    },
  }

  /** One question at a time: what asks meanwhile gets the same answer. */
  function checkerLives(): Promise<boolean> {
    return (asking ??= askForChecker().finally(() => (asking = undefined)))
  }

  async function askForChecker(): Promise<boolean> {
    const ping = Number(await read.get('hchecker_ping').catch(() => null))
    return ping > 0 && Date.now() / 1000 - ping <= 30
  }

  async function writeMark({ host, url, index, backends, ttlSeconds, verdict }: Mark): Promise<boolean> {
    const key = `${prefix}${routeKeys.dead(host)}`
    const written = verdict || !(await checkerLives())
    if (written) await write.multi().sadd(key, index).expire(key, ttlSeconds).exec()
    // Nobody may be allowed to listen.
    await write.publish(routeChannels.dead, `${host};${url};${index};${backends}`).catch(nullIfRefused)
    return written
  }
}

function connect(
  target: RedisTarget,
  options: { enableOfflineQueue: boolean; socketTimeout?: number; autoResubscribe?: boolean },
): Redis {
  return new Redis({
    ...(target.path === undefined ? { host: target.host, port: target.port } : { path: target.path }),
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(target.tls ? { tls: {} } : {}),
    db: target.database,
    connectionName: 'paas-router',
    // A server that is gone without a word would otherwise be listened to for hours.
    keepAlive: 10_000,
    maxRetriesPerRequest: options.enableOfflineQueue ? null : 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(attempt * 50, 1000),
    ...options,
  })
}

/** Adds the events that the feed needs to those that the server sends already. */
async function allowNotifications(redis: Redis): Promise<void> {
  const reply = await redis.config('GET', 'notify-keyspace-events')
  const flags = Array.isArray(reply) ? String(reply[1]) : ''
  const missing = Array.from(keyspaceFlags).filter(
    (flag) => !flags.includes(flag) && !(flags.includes('A') && flag !== 'K'),
  )
  if (missing.length > 0) await redis.config('SET', 'notify-keyspace-events', flags + missing.join(''))
}

/** `extra`: replies that a server for Hipache alone has no reason to give. */
function repliesOf(
  replies: [Error | null, unknown][] | null,
  extra: (index: number) => boolean = () => false,
): unknown[] {
  return (replies ?? []).map(([error, reply], i) => {
    if (error === null) return reply
    // A key of another type is the affair of its host; anything else means that nothing can be said at all.
    if (error.message.startsWith('WRONGTYPE') || (extra(i) && isRefusal(error))) return undefined
    throw error
  })
}

/** Whether the user of the connection may not do this (Redis 6, ACL). */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOPERM')
}

/** Whether it may be granted in a moment. */
function isPassing({ message }: Error): boolean {
  return /^(?:NOAUTH|LOADING|MASTERDOWN|BUSY|TRYAGAIN)\b/.test(message)
}

function unlessPassing(error: unknown): void {
  if (error instanceof Error && isPassing(error)) throw error
}

function nullIfRefused(error: unknown): null {
  if (!isRefusal(error)) throw error
  return null
}

/** Of a key that may be of another type. */
function nullIfOdd(error: unknown): null {
  return error instanceof Error && error.message.startsWith('WRONGTYPE') ? null : nullIfRefused(error)
}

function listOf(reply: unknown): string[] | undefined {
  return Array.isArray(reply) ? reply.map(String) : undefined
}

function isIndex(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,5})$/.test(text)
}

function record(reply: unknown): Record<string, string> {
  if (typeof reply !== 'object' || reply === null) return {}
  return Object.fromEntries(Object.entries(reply).map(([key, value]) => [key, String(value)]))
}

function escapeGlob(text: string): string {
  return text.replace(/[[\]*?\\]/g, '\\$&')
}

/** A glob for what begins like one of these, as far as the shortest of them goes, and for little else. */
function globOf(starts: readonly string[]): string {
  let glob = ''
  for (let i = 0; starts.every((start) => i < start.length); i += 1) {
    const chars = [...new Set(starts.map((start) => start.charAt(i)))]
    // Redis compares bytes.
    if (!chars.every((char) => char < '\x80')) break
    glob += `[${chars.map((char) => `\\${char}`).join('')}]`
  }
  return `${glob}*`
}

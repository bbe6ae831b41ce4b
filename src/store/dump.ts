import { type Redis } from 'ioredis'
import { z } from 'zod'
import { execAll, onState } from './redis.ts'

/** One key of the state, its value in a form that no version of Redis minds. */
export const StateRecord = z.discriminatedUnion('type', [
  z.strictObject({ key: z.string(), type: z.literal('string'), value: z.string() }),
  z.strictObject({ key: z.string(), type: z.literal('hash'), value: z.record(z.string(), z.string()) }),
  z.strictObject({ key: z.string(), type: z.literal('list'), value: z.array(z.string()) }),
  z.strictObject({ key: z.string(), type: z.literal('set'), value: z.array(z.string()) }),
  /** Entries of [id, field, value, field, value, …]. */
  z.strictObject({ key: z.string(), type: z.literal('stream'), value: z.array(z.array(z.string()).min(3)) }),
])
export type StateRecord = z.infer<typeof StateRecord>

const patterns = ['paas:*', 'frontend:*', 'healthcheck:*', 'tls:*']
/** What routers say about themselves, which is of the moment. */
const ofTheMoment = 'paas:route:worker'

/** Everything that is kept, as of one moment. */
export async function dumpState(redis: Redis): Promise<StateRecord[]> {
  const names = (await onState(() => keysOf(redis))).sort()
  if (names.length === 0) return []
  const types = await readAll(redis, (multi) => names.forEach((name) => multi.type(name)))
  const known = names.flatMap((key, i) => (isKnown(types[i]) ? [{ key, type: types[i] }] : []))
  const values = await readAll(redis, (multi) => {
    for (const { key, type } of known) {
      if (type === 'string') multi.get(key)
      else if (type === 'hash') multi.hgetall(key)
      else if (type === 'list') multi.lrange(key, 0, -1)
      else if (type === 'set') multi.smembers(key)
      else multi.xrange(key, '-', '+')
    }
  })
  return known.flatMap(({ key, type }, i) => {
    // A key that went away between the two looks is not part of the moment.
    const value = ordered(type, values[i])
    const empty = value === null || (typeof value === 'object' && Object.keys(value).length === 0)
    return empty ? [] : [StateRecord.parse({ key, type, value })]
  })
}

/** Replaces everything that is kept, in one transaction. */
export async function loadState(redis: Redis, records: readonly StateRecord[]): Promise<void> {
  const old = await onState(() => keysOf(redis))
  const multi = redis.multi()
  if (old.length > 0) multi.del(...old)
  for (const record of records) writeRecord(multi, record)
  await execAll(multi)
}

/** Adds to a transaction what writes a key that is not there. */
export function writeRecord(multi: ReturnType<Redis['multi']>, record: StateRecord): void {
  if (record.type === 'string') multi.set(record.key, record.value)
  else if (record.type === 'hash') multi.hset(record.key, record.value)
  else if (record.type === 'list') multi.rpush(record.key, ...record.value)
  else if (record.type === 'set') multi.sadd(record.key, ...record.value)
  else for (const [id, ...fields] of record.value) multi.xadd(record.key, id!, ...fields)
}

async function keysOf(redis: Redis): Promise<string[]> {
  const found = new Set<string>()
  for (const pattern of patterns) {
    let cursor = '0'
    do {
      const [next, page] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1000)
      for (const key of page) if (!key.startsWith(ofTheMoment)) found.add(key)
      cursor = next
    } while (cursor !== '0')
  }
  return [...found]
}

async function readAll(redis: Redis, add: (multi: ReturnType<Redis['multi']>) => void): Promise<unknown[]> {
  const multi = redis.multi()
  add(multi)
  return execAll(multi)
}

const isKnown = (type: unknown): type is StateRecord['type'] =>
  typeof type === 'string' && ['string', 'hash', 'list', 'set', 'stream'].includes(type)

/** Redis keeps no order in a set; two dumps of one state are the same. */
function ordered(type: StateRecord['type'], value: unknown): unknown {
  if (type === 'set') return (value as string[]).toSorted()
  if (type === 'stream') return (value as [string, string[]][]).map(([id, fields]) => [id, ...fields])
  return value
}

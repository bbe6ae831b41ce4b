import { type Redis } from 'ioredis'
import { Event } from '../model/event.ts'
import { keys } from './keys.ts'
import { onState } from './redis.ts'

/** Events that are kept, at least. */
const kept = 10_000

/** What has happened that somebody should know of: a stream, so that other programs can wait for it too (XREAD). */
export function eventStore(redis: Redis) {
  return {
    async add(name: string, facts: Record<string, unknown>): Promise<void> {
      await onState(() =>
        redis.xadd(keys.events, 'MAXLEN', '~', kept, '*', 'name', name, 'facts', JSON.stringify(facts)),
      )
    },

    /** The newest, at most so many, oldest first. */
    async last(count: number): Promise<Event[]> {
      const entries = await onState(() => redis.xrevrange(keys.events, '+', '-', 'COUNT', count))
      return entries.reverse().map(([id, fields]) => {
        const { name, facts } = Object.fromEntries(
          Array.from({ length: fields.length / 2 }, (_, i) => [fields[2 * i]!, fields[2 * i + 1]!]),
        )
        const at = new Date(Number.parseInt(id, 10)).toISOString()
        return Event.parse({ id, at, name, facts: JSON.parse(facts ?? '{}') as unknown })
      })
    },
  }
}

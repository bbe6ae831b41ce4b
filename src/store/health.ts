import { type Redis } from 'ioredis'
import { onState } from './redis.ts'

/** What Redis says about itself. */
export type StateHealth = {
  version: string
  usedBytes: number
  /** Every write is on disk before its reply. */
  durable: boolean
  /** undefined, or what is wrong with its files. */
  problem: string | undefined
}

/** Asks Redis (INFO, https://redis.io/commands/info). Throws STATE_UNREACHABLE. */
export async function stateHealth(redis: Redis): Promise<StateHealth> {
  const [text, [, fsync]] = await onState(() =>
    Promise.all([redis.info(), redis.config('GET', 'appendfsync')]),
  )
  const facts = new Map(text.split('\r\n').map((line) => line.split(':', 2) as [string, string]))
  const failing = ['aof_last_write_status', 'aof_last_bgrewrite_status'].filter(
    (name) => (facts.get(name) ?? 'ok') !== 'ok',
  )
  return {
    version: facts.get('redis_version') ?? '',
    usedBytes: Number(facts.get('used_memory') ?? 0),
    durable: facts.get('aof_enabled') === '1' && fsync === 'always',
    problem:
      failing.length === 0
        ? undefined
        : failing.map((name) => `${name} is ${facts.get(name) ?? ''}`).join(', '),
  }
}

import { Redis } from 'ioredis'
import { PaasError } from '../errors/paas-error.ts'

/**
 * A connection that fails fast: while Redis is away every command rejects within 2 s instead of queueing,
 * and the connection comes back by itself within a second of Redis' return.
 */
export function connectRedis(options: {
  path: string
  username: string
  password: string
  name: string
}): Redis {
  const redis = new Redis({
    path: options.path,
    username: options.username,
    password: options.password,
    connectionName: options.name,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 1500,
    retryStrategy: (attempt) => Math.min(attempt * 50, 1000),
  })
  // Without a listener ioredis prints each failed attempt; callers see the rejection of their own command.
  redis.on('error', () => undefined)
  return redis
}

/** Resolves when the connection answers; rejects after `timeoutMs`. */
export async function redisReady(redis: Redis, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    try {
      await redis.ping()
      return
    } catch (error) {
      if (performance.now() > deadline) throw stateUnreachable(error)
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
}

/** Runs a Redis operation; a lost connection becomes STATE_UNREACHABLE, a reply that is an error stays one. */
export async function onState<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (error) {
    if (error instanceof PaasError) throw error
    if (error instanceof Error && error.name === 'ReplyError') throw error
    throw stateUnreachable(error)
  }
}

export function stateUnreachable(cause: unknown): PaasError {
  return new PaasError(
    'STATE_UNREACHABLE',
    'Redis, which holds the state, does not answer; nothing was changed.',
    {
      hint: 'See `paas doctor`; apps keep serving meanwhile.',
      cause,
    },
  )
}

/** Runs MULTI and fails if any command in it failed. */
export async function execAll(multi: ReturnType<Redis['multi']>): Promise<unknown[]> {
  const replies = await onState(() => multi.exec())
  if (replies === null) throw new Error('the transaction was aborted')
  return replies.map(([error, reply]) => {
    if (error) throw error
    return reply
  })
}

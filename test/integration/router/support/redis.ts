import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** A real redis-server on a unix socket in a directory of its own; `stop` and `start` are its outages. */
export async function startRedis(config: string[] = ['--notify-keyspace-events', 'KA']) {
  const directory = await mkdtemp(join(tmpdir(), 'paas-redis-'))
  const socket = join(directory, 'redis.sock')
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const args = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', '', ...config]
    child = spawn('redis-server', args, { stdio: 'ignore' })
    await redisAnswers(client)
  }
  async function stop(): Promise<void> {
    if (child?.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  const client = new Redis({ path: socket, retryStrategy: () => 20, maxRetriesPerRequest: null })
  client.on('error', () => undefined)
  await start()
  return {
    client,
    socket,
    directory,
    /** As `paas router --redis` takes it. */
    url: `redis+unix://${socket}`,
    start,
    stop,
    [Symbol.asyncDispose]: async () => {
      client.disconnect()
      await stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export type TestRedis = Awaited<ReturnType<typeof startRedis>>

async function redisAnswers(client: Redis): Promise<void> {
  const deadline = performance.now() + 10_000
  while ((await client.ping().catch(() => '')) !== 'PONG') {
    if (performance.now() > deadline) throw new Error('redis-server did not start')
  }
}

import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis, type TestRedis } from './support/redis.ts'
import { eventually, startRouter } from './support/router.ts'

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis[Symbol.asyncDispose]())

/** A backend that changes protocols and has then no use for what comes, nor for its end. */
async function startDeaf(reads: boolean) {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      if (reads) socket.resume()
      else socket.pause()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** `send`: how the client asks for it. */
async function tunnelTo(port: number, send: 'write' | 'end' = 'write'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => undefined)
  socket[send]('GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  expect(String((await once(socket, 'data'))[0])).toContain('101 Switching Protocols')
  return socket
}

test.each([
  {
    what: 'had said its last word before it was one',
    reads: true,
    ask: 'end' as const,
    leave: () => undefined,
  },
  {
    what: 'has said its last word',
    reads: true,
    ask: 'write' as const,
    leave: (socket: Socket) => void socket.end(),
  },
  {
    what: 'is not read any more',
    reads: false,
    ask: 'write' as const,
    leave: (socket: Socket) => {
      socket.write(Buffer.alloc(16 * 1024 * 1024))
      setTimeout(() => socket.resetAndDestroy(), 500)
    },
  },
])(
  'a client that $what leaves no tunnel behind where its backend is silent',
  async ({ reads, ask, leave }) => {
    using backend = await startDeaf(reads)
    await redis.client.del('frontend:app.test')
    await redis.client.rpush('frontend:app.test', 'app', backend.url)
    await using router = await startRouter(redis, { workers: 1, args: ['--timeout', 'idle=1'] })
    const clients = async (): Promise<number> => (await router.stats()).workers[0]!.clients
    const quiet = await tunnelTo(router.port)
    const leaving = await tunnelTo(router.port, ask)
    expect(await clients()).toBe(2)
    leave(leaving)
    await eventually(async () => (await clients()) === 1)
    // One with nothing to say is another matter.
    await sleep(1000)
    expect(await clients()).toBe(1)
    quiet.destroy()
  },
)

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultTimeouts } from '../../../src/router/settings.ts'
import { modes, startPlane } from '../../conformance/router/lane.ts'
import { startBackend } from './support/backend.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { ask, eventually, freePort, serve, startRouter, type TestRouter } from './support/router.ts'

let redis: TestRedis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

type Raw = Server &
  Disposable & {
    url: string
    /** Connections that the router has not ended. */
    sockets: Set<Socket>
  }

/** A backend of raw bytes: `onRequest` gets each connection's first bytes. */
async function rawBackend(onRequest: (socket: Socket, text: string) => void): Promise<Raw> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    for (const event of ['end', 'close']) socket.on(event, () => sockets.delete(socket))
    socket.once('data', (bytes: Buffer) => onRequest(socket, bytes.toString('latin1')))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(server, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    [Symbol.dispose]: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  })
}

/** Reads to the end, and how it came. */
async function readAll(socket: Socket): Promise<{ text: string; end: string }> {
  let text = ''
  socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')))
  const end = await new Promise<string>((resolve) => {
    socket.on('end', () => resolve('end'))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
  })
  socket.destroy()
  return { text, end }
}

describe.each([{ args: [] }, { args: ['--no-fast-path'] }])('clients $args', ({ args }) => {
  let router: TestRouter
  beforeAll(async () => {
    router = await startRouter(redis, { workers: 1, args })
  })
  afterAll(() => router[Symbol.asyncDispose]())

  const route = (host: string, ...backends: string[]): Promise<void> => serve(redis.client, host, ...backends)
  const dial = (): Socket => connect({ port: router.port, host: '127.0.0.1', allowHalfOpen: true })
  const rss = async (): Promise<number> => (await router.stats()).workers[0]!.rssBytes / 2 ** 20

  test('who takes no more of a last answer is cut in the end, and leaves nothing', async () => {
    await using impatient = await startRouter(redis, { workers: 1, args: [...args, '--timeout', 'idle=1'] })
    using backend = await startBackend('bytes')
    await route('last.test', backend.url)
    const clients = Array.from({ length: 60 }, (_, i) => {
      const socket = connect({ port: impatient.port, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      socket.pause()
      socket.write(
        `GET /bytes?n=${1_000_000 + i * 120_000} HTTP/1.1\r\nHost: last.test\r\nConnection: close\r\n\r\n`,
      )
      return socket
    })
    await eventually(async () => (await impatient.stats()).workers[0]!.clients > 10)
    await eventually(async () => (await impatient.stats()).workers[0]!.clients === 0)
    for (const socket of clients) socket.destroy()
  })

  test('an answer without a length is not whole because a reset came during the upload', async () => {
    using backend = await rawBackend((socket) => {
      socket.on('data', () => undefined)
      socket.write('HTTP/1.1 200 OK\r\n\r\nhalf')
      setTimeout(() => socket.resetAndDestroy(), 5 + Math.random() * 10)
    })
    await route('half.test', backend.url)
    const ends = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const seen: string[] = []
        for (let i = 0; i < 40; i += 1) {
          const socket = dial()
          socket.write('POST / HTTP/1.1\r\nHost: half.test\r\nContent-Length: 100000000\r\n\r\n')
          const timer = setInterval(() => socket.writableNeedDrain || socket.write(Buffer.alloc(3000)), 1)
          const { text, end } = await readAll(socket)
          clearInterval(timer)
          seen.push(text.endsWith('0\r\n\r\n') ? 'whole' : end)
        }
        return seen
      }),
    )
    expect(ends.flat()).not.toContain('whole')
  })

  test('a tunnel whose backend has gone is read slowly as far as its bytes have come', async () => {
    const bytes = 9_000_000
    using backend = await rawBackend((socket) => {
      socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.end(Buffer.alloc(bytes, 'w'), () => setTimeout(() => socket.destroy(), 20))
    })
    await route('tunnel.test', backend.url)
    const socket = dial()
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nHost: tunnel.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    const timer = setInterval(() => socket.write('ping'), 100)
    await sleep(2500)
    const all = readAll(socket)
    socket.resume()
    const { text, end } = await all
    clearInterval(timer)
    // Its own machine drops the rest when it hears something for a socket that it has closed.
    expect(end).toBe('end')
    expect(text.length).toBeGreaterThan(1_000_000)
  })

  test(
    'an early answer is read slowly to its end, whatever the upload meets',
    // Now and then the backend's own machine has not got rid of all before it drops it.
    { retry: 2 },
    async () => {
      const bytes = 5_000_000
      using backend = await rawBackend((socket) => {
        socket.write(`HTTP/1.1 413 Too Large\r\nContent-Length: ${bytes}\r\nConnection: close\r\n\r\n`)
        socket.end(Buffer.alloc(bytes, 'x'), () => setTimeout(() => socket.destroy(), 500))
      })
      await route('early.test', backend.url)
      const socket = dial()
      socket.pause()
      socket.write('POST / HTTP/1.1\r\nHost: early.test\r\nContent-Length: 100000000\r\n\r\nabc')
      await sleep(1200)
      const timer = setInterval(() => socket.write('y'.repeat(100)), 100)
      await sleep(2500)
      const all = readAll(socket)
      socket.resume()
      const { text } = await all
      clearInterval(timer)
      expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toHaveLength(bytes)
    },
  )

  test.each([
    { host: 'nobody.test', path: '/', count: 100_000 },
    { host: 'bytes.test', path: '/bytes?n=50000', count: 1_000 },
  ])(
    '$count requests of a client that takes no answers to $host wait',
    async ({ host, path, count }) => {
      using backend = await startBackend('bytes')
      await route('bytes.test', backend.url)
      const before = await rss()
      const socket = dial()
      const one = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
      socket.write(one.repeat(count))
      await sleep(3000)
      expect((await rss()) - before).toBeLessThan(80)
      // All of them are answered once they are taken.
      let answers = 0
      let last = ''
      socket.on('data', (bytes: Buffer) => {
        const text = last + bytes.toString('latin1')
        answers += text.split('HTTP/1.1 ').length - 1
        last = text.slice(-8)
        answers -= last.split('HTTP/1.1 ').length - 1
      })
      await eventually(() => answers === count, 50_000)
      socket.destroy()
    },
    60_000,
  )

  test('large bodies that are with their backend are not kept here', { timeout: 120_000 }, async () => {
    const [clients, bytes] = [800, 300_000]
    await using fresh = await startRouter(redis, { workers: 1, args })
    const rss = async (): Promise<number> => (await fresh.stats()).workers[0]!.rssBytes / 2 ** 20
    let taken = 0
    const answers: ServerResponse[] = []
    using backend = await startBackend('bodies', (request, response) => {
      request.on('data', (chunk: Buffer) => (taken += chunk.length))
      answers.push(response)
      return true
    })
    await route('bodies.test', backend.url)
    const before = await rss()
    const body = Buffer.alloc(bytes, 'x')
    const sockets = Array.from({ length: clients }, () => {
      const socket = connect({ port: fresh.port, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      socket.write(`PUT / HTTP/1.1\r\nHost: bodies.test\r\nContent-Length: ${bytes}\r\n\r\n`)
      socket.write(body)
      return socket
    })
    await eventually(() => taken === clients * bytes, 100_000)
    expect((await rss()) - before).toBeLessThan((0.75 * clients * bytes) / 2 ** 20)
    for (const socket of sockets) socket.destroy()
  })

  test.each(['1.0', '1.1'])(
    'HTTP/%s: a half-closed client does not get half an answer as a whole one',
    async (version) => {
      using backend = await rawBackend((socket) => {
        socket.write(`HTTP/1.1 200 OK\r\n\r\n${'a'.repeat(1000)}`)
        setTimeout(() => socket.end('b'.repeat(1000)), 4000)
      })
      await route('half.test', backend.url)
      const socket = dial()
      socket.end(`GET / HTTP/${version}\r\nHost: half.test\r\n\r\n`)
      const { text, end } = await readAll(socket)
      expect(text).toContain('aaa')
      expect(text).not.toContain('b'.repeat(1000))
      if (version === '1.0') expect(end).toBe('ECONNRESET')
      else expect(end === 'ECONNRESET' || !text.endsWith('0\r\n\r\n')).toBe(true)
    },
  )

  test('a half-closed client in the middle of its upload does not either', async () => {
    using backend = await rawBackend((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nhalf')
    })
    await route('early.test', backend.url)
    const socket = dial()
    socket.write('POST / HTTP/1.0\r\nHost: early.test\r\nContent-Length: 100\r\n\r\nabc')
    await once(socket, 'data')
    socket.end()
    expect((await readAll(socket)).end).toBe('ECONNRESET')
  })

  test.each(['\r\n', 'GET /next HTTP/1.1\r\nHost: gone.test\r\n\r\n'])(
    'a client that is gone is noticed behind %j',
    async (behind) => {
      const seen: string[] = []
      using backend = await rawBackend((_, text) => seen.push(text))
      await route('gone.test', backend.url)
      const socket = dial()
      socket.write(`GET / HTTP/1.1\r\nHost: gone.test\r\n\r\n${behind}`)
      await eventually(() => seen.length === 1)
      socket.resetAndDestroy()
      await eventually(() => backend.sockets.size === 0, 15_000)
      expect(seen).toHaveLength(1)
    },
  )

  test('a half-closed client gets the answers to all that it asked', async () => {
    using backend = await rawBackend((socket) => {
      setTimeout(() => socket.end('no HTTP at all'), 300)
    })
    await route('both.test', backend.url)
    await route('none.test')
    // Nobody has to be asked for the answer of the second.
    for (const hosts of [
      ['both', 'both'],
      ['both', 'none', 'both', 'none', 'none', 'both'],
    ]) {
      const socket = dial()
      socket.end(hosts.map((host) => `GET / HTTP/1.1\r\nHost: ${host}.test\r\n\r\n`).join(''))
      const { text, end } = await readAll(socket)
      expect(text.match(/HTTP\/1\.1 502 Bad Gateway\r\nDate: \w{3}, \d\d \w{3} /g)).toHaveLength(hosts.length)
      expect(end).toBe('end')
    }
  })

  test('a half-closed client is not taken for gone by a router that stood still', async () => {
    let answer: (() => void) | undefined
    using backend = await rawBackend((socket) => {
      answer = () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    await route('still.test', backend.url)
    const [pid] = await router.workerPids()
    const socket = dial()
    socket.end('GET / HTTP/1.1\r\nHost: still.test\r\n\r\n')
    await eventually(() => answer !== undefined)
    // So does a machine, and whoever is on it answers when it goes on.
    process.kill(pid!, 'SIGSTOP')
    await sleep(1500)
    process.kill(pid!, 'SIGCONT')
    setTimeout(answer!, 50)
    expect((await readAll(socket)).text).toMatch(/\r\n\r\nok$/)
  })

  test('an early answer reaches a client that sends on for longer than a moment', async () => {
    using backend = await rawBackend((socket) => {
      socket.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig')
    })
    await route('big.test', backend.url)
    const socket = dial()
    let text = ''
    let failure = ''
    socket.on('data', (bytes: Buffer) => (text += bytes.toString()))
    socket.on('error', (error) => (failure = error.message))
    socket.write('POST / HTTP/1.1\r\nHost: big.test\r\nContent-Length: 1000000\r\n\r\n')
    for (let i = 0; i < 35; i += 1) {
      socket.write('x'.repeat(1000))
      await sleep(200)
    }
    socket.destroy()
    expect(text).toMatch(/^HTTP\/1\.1 413 .*big$/s)
    expect(failure).toBe('')
  })

  test('a tunnel hears that its client had said all before it was one', async () => {
    const heard: string[] = []
    using backend = await rawBackend((socket) => {
      socket.on('data', (bytes: Buffer) => heard.push(bytes.toString()))
      socket.on('end', () => {
        heard.push('end')
        socket.end('bye')
      })
      setTimeout(
        () => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
        300,
      )
    })
    await route('tunnel.test', backend.url)
    const socket = dial()
    socket.end('GET / HTTP/1.1\r\nHost: tunnel.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nlast words')
    const { text } = await readAll(socket)
    expect(heard).toEqual(['last words', 'end'])
    expect(text).toMatch(/^HTTP\/1\.1 101 .*bye$/s)
  })
})

test('a limit for a request as a whole', async () => {
  using backend = await startBackend('total')
  const router = await startRouter(redis, { workers: 1, args: ['--timeout', 'total=1'] })
  await serve(redis.client, 'total.test', backend.url)
  const started = performance.now()
  expect((await ask(router.port, 'total.test', '/slow?ms=8000')).status).toBe(504)
  expect(performance.now() - started).toBeLessThan(7000)
  expect((await ask(router.port, 'total.test')).status).toBe(200)
  await router[Symbol.asyncDispose]()
})

test('a client’s time for its head begins after what a proxy says about it', async () => {
  using backend = await startBackend('proxied')
  const [[, mode]] = modes as [(typeof modes)[number]]
  const plane = await startPlane({
    routes: { 'app.test': [backend.url] },
    settings: {
      proxyProtocol: true,
      trustedProxies: ['127.0.0.1'],
      timeouts: { ...defaultTimeouts, head: 1000 },
    },
    mode,
  })
  const waiting = connect({ port: plane.port, host: '127.0.0.1' })
  const late = connect({ port: plane.port, host: '127.0.0.1' })
  const header = 'PROXY TCP4 203.0.113.9 10.0.0.1 1000 80\r\n'
  for (const socket of [waiting, late]) socket.write(header.slice(0, 9))
  await sleep(200)
  waiting.write(header.slice(9))
  expect((await readAll(late)).text).toContain('408')
  await sleep(1000)
  waiting.write('GET / HTTP/1.0\r\nHost: app.test\r\n\r\n')
  expect((await readAll(waiting)).text).toContain('proxied')
  plane.close()
})

test('an empty line after a request is no request that comes too late', async () => {
  const port = await freePort()
  using backend = await startBackend('line')
  await redis.client.rpush('frontend:line.test', 'line', backend.url)
  const file = join(redis.directory, 'config.json')
  const server = { accessLog: join(redis.directory, 'access.log'), workers: 1, tcpTimeout: 1 }
  writeFileSync(file, JSON.stringify({ server, http: { port }, driver: [redis.url] }))
  const router = await startRouter(redis, { bare: true, args: ['--hipache-config', file] })
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write('POST / HTTP/1.1\r\nHost: line.test\r\nContent-Length: 1\r\n\r\nx\r\n')
  const { text } = await readAll(socket)
  expect(text).toContain('line')
  expect(text).not.toContain('408')
  await router[Symbol.asyncDispose]()
})

import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Backend, startBackend } from './support/backend.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { ask, eventually, freePort, heard, serve, startRouter, type TestRouter } from './support/router.ts'
import { makeCertificate } from './support/tls.ts'

let redis: TestRedis
let router: TestRouter
let good: Backend
let pem: { key: Buffer; cert: Buffer }
beforeAll(async () => {
  redis = await startRedis()
  good = await startBackend('good')
  router = await startRouter(redis, { workers: 1, args: ['--timeout', 'connect=1'] })
  const { key, cert } = makeCertificate(redis.directory)
  pem = { key: readFileSync(key), cert: readFileSync(cert) }
})
afterAll(async () => {
  await router[Symbol.asyncDispose]()
  good.close()
  await redis[Symbol.asyncDispose]()
})

/** A server of raw connections; its port, and how many connections there were. */
async function raw(server: Server, onSocket: (socket: Socket) => void = () => undefined) {
  const sockets = new Set<Socket>()
  const state = { port: 0, connections: 0 }
  server.on('connection', (socket: Socket) => {
    state.connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  state.port = (server.address() as AddressInfo).port
  return Object.assign(state, {
    [Symbol.dispose]: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  })
}

async function route(host: string, backends: string[], options?: Record<string, string>): Promise<void> {
  if (options !== undefined) await redis.client.hset(`paas:route:options:${host}`, options)
  await serve(redis.client, host, ...backends)
}

test('a backend that closes without an answer gets no more while another one answers', async () => {
  using closing = await raw(createServer(), (socket) => socket.once('data', () => socket.destroy()))
  const url = `http://127.0.0.1:${closing.port}`
  await route('closes.test', [url, good.url])
  for (let i = 0; i < 100; i += 1) expect((await ask(router.port, 'closes.test')).body).toBe('good')
  await eventually(async () => (await router.stats()).backends[url]?.ejected === 'close')
  expect(closing.connections).toBeLessThan(10)
})

test('backends that close on HEAD alone serve all else, whoever asks them for that', async () => {
  const closing = () =>
    startBackend('headless', (req) => {
      if (req.method === 'HEAD') req.socket.destroy()
      return req.method === 'HEAD'
    })
  using one = await closing()
  using two = await closing()
  await route('headless.test', [one.url, two.url])
  expect((await ask(router.port, 'headless.test', '/', '', 'HEAD')).status).toBe(502)
  await eventually(async () => (await router.stats()).backends[one.url]?.ejected === 'close')
  for (let i = 0; i < 20; i += 1) expect((await ask(router.port, 'headless.test')).status).toBe(200)
})

test('a backend that resets one request and then hangs is out for good reason, and no last resort', async () => {
  using sick = await raw(createServer(), (socket) =>
    socket.once('data', (bytes: Buffer) => bytes.toString().startsWith('POST') && socket.resetAndDestroy()),
  )
  const url = `http://127.0.0.1:${sick.port}`
  await route('sick.test', [url, good.url], { weights: '1,0' })
  expect((await ask(router.port, 'sick.test', '/', '', 'POST', 'abc')).status).toBe(502)
  await eventually(async () => (await router.stats()).backends[url]?.ejected === 'hang')
  // Nobody else takes its requests, so that a mark would leave nobody.
  expect(await redis.client.smembers('dead:sick.test')).toEqual([])
  // Who asked it would have to wait for half a minute.
  const started = performance.now()
  expect((await ask(router.port, 'sick.test')).status).toBe(503)
  expect(performance.now() - started).toBeLessThan(10_000)
})

test('what ends in a TLS handshake has seen no request, whose method does not matter', async () => {
  using ending = await raw(createServer(), (socket) => socket.once('data', () => socket.end()))
  await route('handshake.test', [`https://127.0.0.1:${ending.port}`, good.url])
  for (let i = 0; i < 20; i += 1) {
    expect((await ask(router.port, 'handshake.test', '/', '', 'POST', 'abc')).body).toBe('good')
  }
  expect(ending.connections).toBeGreaterThan(0)
})

test('a backend over TLS is asked for by its name', async () => {
  const server = createTlsServer(pem).on('secureConnection', (socket) =>
    socket.once('data', () => {
      const body = String(socket.servername)
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    }),
  )
  using named = await raw(server)
  await route('named.test', [`https://localhost:${named.port}`])
  expect((await ask(router.port, 'named.test')).body).toBe('localhost')
})

test('those that wait for a backend that turns out to be away go elsewhere', async () => {
  using away = await raw(createServer())
  await route('waits.test', [`https://127.0.0.1:${away.port}`, good.url], {
    maxInFlight: '2',
    balance: 'random',
  })
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => ask(router.port, 'waits.test', '/slow?ms=20')),
  )
  // Who waits to the end is told 503.
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
})

test('where there is no place to wait, another backend is asked', async () => {
  using hanging = await startBackend('hanging', (req) => req.method !== 'HEAD')
  await route('full.test', [hanging.url, good.url], {
    maxInFlight: '2',
    balance: 'random',
    weights: '19,1',
  })
  const statuses: number[] = []
  for (let i = 0; i < 400; i += 1) {
    ask(router.port, 'full.test').then(
      ({ status }) => statuses.push(status),
      () => undefined,
    )
  }
  // Two are being answered and 250 wait.
  await eventually(() => statuses.length >= 400 - 252)
  expect(statuses.filter((status) => status !== 200)).toEqual([])
})

test('a backend whose name has an address where nobody listens', async () => {
  const hosts = join(redis.directory, 'hosts')
  writeFileSync(hosts, '127.0.0.1 localhost two.test\n::1 two.test\n')
  using fellow = await startBackend('fellow')
  using secure = await raw(createHttpsServer(pem, (_req, res) => res.end('secure')))
  await route('fellow.test', [good.url])
  await route('two.test', [fellow.url.replace('127.0.0.1', 'two.test')])
  await route('secure.test', [`https://two.test:${secure.port}`])
  await using other = await startRouter(redis, {
    workers: 1,
    env: { NODE_OPTIONS: '--dns-result-order=ipv6first' },
    through: ['unshare', '-m', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$@"`, 'sh'],
  })
  for (let i = 0; i < 5; i += 1) {
    // What one backend has said is never taken for the answer of another.
    expect((await ask(other.port, 'fellow.test')).body).toBe('good')
    expect((await ask(other.port, 'two.test')).body).toBe('fellow')
    expect((await ask(other.port, 'secure.test')).body).toContain('secure')
    expect((await ask(other.port, 'two.test', '/bytes?n=3000000')).body).toHaveLength(3_000_000)
  }
})

test('a request that comes together with the end of an idle connection is sent on another one', async () => {
  let posts = 0
  let last: Socket | undefined
  using closing = await raw(createServer(), (socket) => {
    last = socket
    socket.on('data', (bytes: Buffer) => {
      if (bytes.toString().startsWith('POST')) posts += 1
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  await route('together.test', [`http://127.0.0.1:${closing.port}`])
  const client = connect(router.port, '127.0.0.1')
  const answerTo = async (request: string, meanwhile?: () => Promise<void>): Promise<string> => {
    const data = once(client, 'data')
    client.write(`${request} / HTTP/1.1\r\nHost: together.test\r\nContent-Length: 1\r\n\r\nx`)
    await meanwhile?.()
    return String((await data)[0]).split('\r\n')[0]!
  }
  const [pid] = await router.workerPids()
  for (let i = 1; i <= 5; i += 1) {
    expect(await answerTo('GET')).toBe('HTTP/1.1 200 OK')
    process.kill(pid!, 'SIGSTOP')
    last!.end()
    await sleep(50)
    const goOn = async (): Promise<void> => {
      await sleep(50)
      process.kill(pid!, 'SIGCONT')
    }
    expect(await answerTo('POST', goOn)).toBe('HTTP/1.1 200 OK')
    expect(posts).toBe(i)
  }
  client.destroy()
})

test('a request that had to wait for a new connection gets one', async () => {
  const seen = new Map<string, number>()
  using once = await raw(createServer(), (socket) => {
    let answered = false
    socket.on('data', (bytes: Buffer) => {
      const path = bytes.toString().split(' ')[1]!
      seen.set(path, (seen.get(path) ?? 0) + 1)
      if (answered) return void socket.destroy()
      answered = true
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 2)
    })
  })
  await route('once.test', [`http://127.0.0.1:${once.port}`], { maxInFlight: '1' })
  const clients = Array.from({ length: 20 }, async (_, client) => {
    for (let i = 0; i < 20; i += 1) {
      expect((await ask(router.port, 'once.test', `/${client}-${i}`)).status).toBe(200)
    }
  })
  await Promise.all(clients)
  expect(Math.max(...seen.values())).toBeLessThanOrEqual(2)
})

test('what fails once its host has no route any more is asked of nobody else', async () => {
  let asked = 0
  const sockets: Socket[] = []
  const hanging = () =>
    raw(createServer(), (socket) => {
      sockets.push(socket)
      socket.on('data', () => (asked += 1))
    })
  using one = await hanging()
  using two = await hanging()
  await route('gone.test', [`http://127.0.0.1:${one.port}`, `http://127.0.0.1:${two.port}`])
  const answer = ask(router.port, 'gone.test')
  await eventually(() => asked === 1)
  await redis.client.del('frontend:gone.test')
  await heard(redis.client)
  expect((await ask(router.port, 'gone.test')).status).toBe(404)
  for (const socket of sockets) socket.destroy()
  expect((await answer).status).toBe(502)
  expect(asked).toBe(1)
})

test('a lone backend that cannot be connected to in time is a matter of time', async () => {
  using away = await raw(createServer())
  await route('away.test', [`https://127.0.0.1:${away.port}`])
  expect((await ask(router.port, 'away.test')).status).toBe(504)
})

// Whoever it connects to has half a second more, which is little where the machine has much to do.
test('a router that stood still blames nobody', { retry: 2 }, async () => {
  const server = createHttpsServer(pem, (_req, res) => res.setHeader('Connection', 'close').end('ok'))
  using backend = await raw(server)
  await route('still.test', [`https://127.0.0.1:${backend.port}`, `https://localhost:${backend.port}`])
  let over = false
  const statuses = new Set<number>()
  const load = Array.from({ length: 24 }, async () => {
    while (!over) statuses.add((await ask(router.port, 'still.test')).status)
  })
  await sleep(500)
  const [pid] = await router.workerPids()
  process.kill(pid!, 'SIGSTOP')
  await sleep(4000)
  process.kill(pid!, 'SIGCONT')
  await sleep(1500)
  over = true
  await Promise.all(load)
  expect([...statuses]).toEqual([200])
})

test.each([
  { method: 'POST', length: 70_000, coding: 'length' },
  { method: 'PUT', length: 60_000, coding: 'length' },
  { method: 'PUT', length: 70_000, coding: 'length' },
  { method: 'PUT', length: 70_000, coding: 'chunks' },
  { method: 'DELETE', length: 70_000, coding: 'length' },
])('a connection that may just be closing is not for $method of $length bytes in $coding', async (one) => {
  const { method, length, coding } = one
  // Resets each connection at its second request.
  using backend = await raw(createServer(), (socket) => {
    let text = ''
    let answered = false
    socket.on('data', (bytes: Buffer) => {
      if (answered) return void socket.resetAndDestroy()
      text += bytes.toString('latin1')
      const [head = '', body] = text.split('\r\n\r\n', 2)
      if (body === undefined) return
      const whole = /chunked/.test(head)
        ? text.endsWith('0\r\n\r\n')
        : body.length >= Number(/Content-Length: (\d+)/.exec(head)?.[1] ?? 0)
      if (!whole) return
      answered = true
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  const host = `stale-${backend.port}.test`
  await route(host, [`http://127.0.0.1:${backend.port}`])
  expect((await ask(router.port, host)).status).toBe(200)
  await sleep(1200)
  const data = 'q'.repeat(length)
  const answer =
    coding === 'length'
      ? await ask(router.port, host, '/', '', method, data)
      : await ask(
          router.port,
          host,
          '/',
          `Transfer-Encoding: chunked\r\n\r\n${length.toString(16)}\r\n${data}\r\n0\r\n`,
          method,
        )
  expect(answer.status).toBe(200)
})

test('a POST leaves the connections alone that it does not take', async () => {
  using backend = await startBackend('kept')
  await route('kept.test', [backend.url])
  const twenty = () =>
    Promise.all(Array.from({ length: 20 }, () => ask(router.port, 'kept.test', '/slow?ms=200')))
  await twenty()
  await sleep(1200)
  await ask(router.port, 'kept.test', '/hash', '', 'POST', 'abc')
  await twenty()
  expect(backend.connections()).toBeLessThanOrEqual(22)
})

test.each([
  ['another protocol', 'SSH-2.0-x\r\n'],
  ['half a head', 'HTTP/1.1 200 OK\r\nConte'],
  ['bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['an alert of TLS', '\x15\x03\x01\x00\x02\x02F'],
])('a backend that answers with %s gets no more while another one answers', async (what, answer) => {
  using odd = await raw(createServer(), (socket) => socket.on('data', () => socket.end(answer, 'latin1')))
  const url = `http://127.0.0.1:${odd.port}`
  const host = `odd-${what.replaceAll(' ', '-')}.test`.toLowerCase()
  await route(host, [url, good.url])
  const answers = await Promise.all(Array.from({ length: 60 }, () => ask(router.port, host, '/slow?ms=100')))
  expect(answers.filter(({ body }) => body !== 'good')).toEqual([])
  await eventually(async () => (await router.stats()).backends[url]?.ejected === 'close')
  // What may not be repeated is not, but is not given to that one either.
  const before = odd.connections
  for (let i = 0; i < 20; i += 1)
    expect((await ask(router.port, host, '/', '', 'POST', 'abc')).body).toBe('good')
  expect(odd.connections - before).toBeLessThan(5)
})

test('the late end of an answer to somebody else is no answer, and what may be repeated is', async () => {
  let first = true
  using backend = await raw(createServer(), (socket) => {
    const isFirst = first
    first = false
    let asked = 0
    socket.on('data', () => {
      asked += 1
      if (isFirst && asked === 2) socket.end('k')
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  await route('surplus.test', [`http://127.0.0.1:${backend.port}`])
  for (let i = 0; i < 3; i += 1)
    expect(await ask(router.port, 'surplus.test')).toMatchObject({ status: 200, body: 'ok' })
  expect(backend.connections).toBeGreaterThan(1)
})

test('a lone backend whose answer is none is asked once', async () => {
  const asked: string[] = []
  using odd = await raw(createServer(), (socket) =>
    socket.on('data', (bytes) => {
      asked.push(bytes.toString().slice(0, 4))
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n')
    }),
  )
  await route('odd-alone.test', [`http://127.0.0.1:${odd.port}`])
  expect((await ask(router.port, 'odd-alone.test')).status).toBe(502)
  expect(asked).toEqual(['GET '])
})

test('one that was marked when it hung is asked where the last one has gone', async () => {
  const args = ['--timeout', 'first-byte=2']
  await using router = await startRouter(redis, { workers: 1, args })
  // It answers neither questions nor some requests, but others.
  const some = await startBackend('some', (req) => req.url !== '/some')
  const last = await startBackend('last')
  await route('hangs.test', [some.url, last.url])
  await eventually(async () => {
    ask(router.port, 'hangs.test').catch(() => undefined)
    await sleep(500)
    return (await redis.client.smembers('dead:hangs.test')).includes('0')
  }, 40_000)
  last.close()
  await eventually(async () => (await ask(router.port, 'hangs.test', '/some')).body === 'some')
  some.close()
})

test('nobody is left marked by a worker that has gone', async () => {
  const ports = [await freePort(), await freePort()]
  await route(
    'both.test',
    ports.map((port) => `http://127.0.0.1:${port}`),
  )
  for (let i = 0; i < 5; i += 1) expect((await ask(router.port, 'both.test')).status).toBe(502)
  await eventually(async () => (await redis.client.smembers('dead:both.test')).join() === '0,1')
  const pids = await router.workerPids()
  router.child.kill('SIGHUP')
  await eventually(async () => (await router.workerPids()).every((pid) => !pids.includes(pid)), 20_000)
  const back = await Promise.all(ports.map((port) => startBackend('back', undefined, port)))
  await eventually(async () => (await ask(router.port, 'both.test')).status === 200, 15_000)
  for (const one of back) one.close()
})

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { awaitSwitch, readWorkers, setRoutes } from '../../../src/store/routes.ts'
import { type Backend, startBackend } from './support/backend.ts'
import { openLoad } from './support/load.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { ask, eventually, freePort, heard, startRouter, type TestRouter } from './support/router.ts'

let redis: TestRedis
let router: TestRouter
let a: Backend
let b: Backend
beforeAll(async () => {
  redis = await startRedis()
  a = await startBackend('a')
  b = await startBackend('b')
  await redis.client.rpush('frontend:app.test', 'app', a.url, b.url)
  router = await startRouter(redis, { args: ['--snapshot', join(redis.directory, 'routes.json')] })
})
afterAll(async () => {
  await router[Symbol.asyncDispose]()
  a.close()
  b.close()
  await redis[Symbol.asyncDispose]()
})

async function route(host: string, ...backends: string[]): Promise<void> {
  const version = await setRoutes(redis.client, { set: [{ host, identifier: host, backends }], remove: [] })
  const switched = await awaitSwitch(redis.client, { version, backends: [], drainTimeoutMs: 20_000 })
  expect(switched).toMatchObject({ applied: true, workers: 2 })
}

const refusing = 'http://127.0.0.1:1'

/** What is announced on `dead` from now on, about these hosts. */
async function announced(...hosts: string[]) {
  const messages: string[] = []
  const subscriber = redis.client.duplicate()
  await subscriber.subscribe('dead')
  subscriber.on('message', (_channel: string, message: string) => {
    if (hosts.includes(message.split(';')[0]!)) messages.push(message)
  })
  return { messages, [Symbol.dispose]: () => subscriber.disconnect() }
}

test('a refused backend: the request is retried, the mark is Hipache’s', async () => {
  using dead = await announced('retry.test')
  const { messages } = dead
  await route('retry.test', refusing, a.url)
  for (let i = 0; i < 20; i += 1) expect((await ask(router.port, 'retry.test')).body).toBe('a')
  await eventually(async () => (await redis.client.smembers('dead:retry.test')).join() === '0')
  expect(await redis.client.ttl('dead:retry.test')).toBeGreaterThan(25)
  await eventually(() => messages.length > 0)
  // Once for each worker at most: a backend that is out is not asked again.
  expect(messages.length).toBeLessThanOrEqual(2)
  expect(messages[0]).toBe(`retry.test;${refusing};0;2`)
})

test('a lone refused backend: 502, no mark', async () => {
  await route('lone.test', refusing)
  const { status, body } = await ask(router.port, 'lone.test')
  expect(status).toBe(502)
  // There is no app here that its owner could ask about.
  expect(body).toContain('<code>dead:HOST</code>')
  expect(body).not.toMatch(/paas |lone\.test/)
  expect(await redis.client.exists('dead:lone.test')).toBe(0)
})

test('while an active checker lives, marks are only announced, and 500 is a reason for one', async () => {
  using dead = await announced('checked.test', 'five.test', 'stale.test')
  const { messages } = dead
  const seconds = (): number => Math.floor(Date.now() / 1000)
  await redis.client.set('hchecker_ping', seconds())
  await route('checked.test', 'http://127.0.0.1:2', a.url)
  for (let i = 0; i < 30; i += 1) expect((await ask(router.port, 'checked.test')).body).toBe('a')
  await eventually(() => messages.includes('checked.test;http://127.0.0.1:2;0;2'))
  expect(await redis.client.exists('dead:checked.test')).toBe(0)
  await route('five.test', a.url, b.url)
  await ask(router.port, 'five.test', '/status/500')
  await eventually(() => messages.some((message) => message.startsWith('five.test;')))
  expect(await redis.client.exists('dead:five.test')).toBe(0)
  // One that has not said anything for half a minute is none.
  await redis.client.set('hchecker_ping', seconds() - 31)
  await route('stale.test', 'http://127.0.0.1:3', a.url)
  for (let i = 0; i < 30; i += 1) expect((await ask(router.port, 'stale.test')).body).toBe('a')
  await eventually(async () => (await redis.client.smembers('dead:stale.test')).join() === '0')
  const before = messages.length
  await ask(router.port, 'five.test', '/status/500')
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(messages.length).toBe(before)
  await redis.client.del('hchecker_ping')
})

test('a mark is taken back when its backend answers, though another one has joined it', async () => {
  const port = await freePort()
  await route('joined.test', `http://127.0.0.1:${port}`, a.url)
  for (let i = 0; i < 30; i += 1) expect((await ask(router.port, 'joined.test')).body).toBe('a')
  await eventually(async () => (await redis.client.smembers('dead:joined.test')).join() === '0')
  await redis.client.rpush('frontend:joined.test', b.url)
  await eventually(async () => (await ask(router.port, 'joined.test')).body === 'b')
  const back = createServer((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'))
  back.listen(port, '127.0.0.1')
  await eventually(async () => (await redis.client.exists('dead:joined.test')) === 0)
  back.close()
})

test('a backend of a wildcard is marked for the host that was asked for', async () => {
  await route('*.wild.test', 'http://127.0.0.1:4', a.url)
  for (let i = 0; i < 30; i += 1) expect((await ask(router.port, 'one.wild.test')).body).toBe('a')
  await eventually(async () => (await redis.client.smembers('dead:one.wild.test')).join() === '0')
  expect(await redis.client.exists('dead:*.wild.test')).toBe(0)
})

test('whoever has the place of a marked backend of a wildcard is not out for it', async () => {
  await route('*.moved.test', 'http://127.0.0.1:6', b.url)
  for (let i = 0; i < 30; i += 1) expect((await ask(router.port, 'one.moved.test')).body).toBe('b')
  await eventually(async () => (await redis.client.smembers('dead:one.moved.test')).join() === '0')
  await route('*.moved.test', b.url)
  await eventually(async () => (await ask(router.port, 'one.moved.test')).body === 'b')
  expect(await redis.client.exists('dead:one.moved.test')).toBe(0)
})

test('a host that gets a route of its own has nothing of what was marked of its wildcard', async () => {
  await route('*.grown.test', 'http://127.0.0.1:6', b.url)
  for (let i = 0; i < 10; i += 1) expect((await ask(router.port, 'one.grown.test')).body).toBe('b')
  await eventually(async () => (await redis.client.smembers('dead:one.grown.test')).join() === '0')
  await redis.client.rpush('frontend:one.grown.test', 'one', a.url)
  await eventually(async () => (await ask(router.port, 'one.grown.test')).body === 'a')
  expect(await redis.client.exists('dead:one.grown.test')).toBe(0)
})

test('one that shares its host only with those of no weight is its only backend', async () => {
  await route('weighed.test', a.url, b.url)
  await redis.client.hset('paas:route:options:weighed.test', { weights: '1,0', sticky: 'on' })
  await eventually(async () => (await ask(router.port, 'weighed.test')).head.includes('paas_backend='))
  for (let i = 0; i < 10; i += 1) await ask(router.port, 'weighed.test', '/status/503')
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await redis.client.exists('dead:weighed.test')).toBe(0)
  expect((await ask(router.port, 'weighed.test')).body).toBe('a')
  // Nor where it refuses.
  await redis.client.hset('paas:route:options:gone.test', { weights: '1,0' })
  await route('gone.test', 'http://127.0.0.1:6', b.url)
  for (let i = 0; i < 10; i += 1) await ask(router.port, 'gone.test')
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await redis.client.exists('dead:gone.test')).toBe(0)
})

test('the last backend that serves goes on, whatever it answers, until a checker decides', async () => {
  await route('last.test', a.url, b.url)
  await redis.client.sadd('dead:last.test', 1)
  await heard(redis.client)
  const listener = redis.client.duplicate()
  const told: string[] = []
  listener.on('message', (_channel, message) => told.push(message))
  await listener.subscribe('dead')
  expect((await ask(router.port, 'last.test', '/status/501')).status).toBe(501)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await redis.client.smembers('dead:last.test')).toEqual(['1'])
  expect(told).toEqual([])
  await redis.client.set('hchecker_ping', Math.floor(Date.now() / 1000))
  expect((await ask(router.port, 'last.test', '/status/501')).status).toBe(501)
  await eventually(() => told.join() === `last.test;${a.url};0;2`)
  expect(await redis.client.smembers('dead:last.test')).toEqual(['1'])
  await redis.client.del('hchecker_ping')
  listener.disconnect()
})

test('no request asks Redis, whether its host is known or not', async () => {
  const calls = async (): Promise<string> =>
    (await redis.client.info('commandstats'))
      .split('\n')
      .filter((line) => /^cmdstat_(?:lrange|smembers|hgetall|exists|pttl|scan|type)/.test(line))
      .map((line) => line.split(',')[0])
      .join()
  await route('quiet.test', a.url)
  let before = await calls()
  let asked = 0
  // The regular resync may come in between.
  await eventually(async () => {
    before = await calls()
    for (asked = 0; asked < 200; asked += 1)
      await ask(router.port, asked % 2 === 0 ? 'quiet.test' : `${asked}.unknown.test`)
    return (await calls()) === before
  }, 50_000)
  expect(asked).toBe(200)
})

test.each([
  ['/status/502', true],
  ['/status/501', true],
  ['/status/504', true],
  ['/status/599', true],
  ['/status/503', true],
  ['/status/503?retryAfter=1', false],
  ['/status/500', false],
  ['/status/404', false],
])('%s marks dead: %s', async (path, marks) => {
  const host = `s${path.replace(/[^0-9a-z]/gi, '')}.test`
  await route(host, a.url, b.url)
  const { status } = await ask(router.port, host, path)
  expect(status).toBe(Number(path.slice(8, 11)))
  if (marks) await eventually(async () => (await redis.client.scard(`dead:${host}`)) === 1)
  else {
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await redis.client.exists(`dead:${host}`)).toBe(0)
  }
})

test(
  'bodies survive a retry while connecting, whatever their size and framing',
  { timeout: 60_000 },
  async () => {
    for (const [i, size] of [0, 10, 64 * 1024, 300_000, 20_000_000].entries()) {
      for (const framing of ['length', 'chunked']) {
        const host = `body${i}${framing}.test`
        await route(host, refusing, a.url)
        const body = Buffer.alloc(size, `body ${size}`)
        expect(await post(host, body, framing === 'length')).toBe(
          `${size} ${createHash('sha256').update(body).digest('hex')}`,
        )
      }
    }
  },
)

function post(host: string, body: Buffer, withLength: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host, connection: 'close', ...(withLength ? { 'content-length': body.length } : {}) }
    const sent = request({ port: router.port, host: '127.0.0.1', path: '/hash', method: 'POST', headers })
    sent.on('error', reject)
    sent.on('response', (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve(text))
    })
    if (!withLength) sent.write(body.subarray(0, 5))
    sent.end(withLength ? body : body.subarray(5))
  })
}

test('a request that may not be repeated is not, once it may have been seen', async () => {
  let requests = 0
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => {
      requests += 1
      socket.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await route('once.test', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  expect((await ask(router.port, 'once.test', '/', '', 'POST', 'abc')).status).toBe(502)
  expect(requests).toBe(1)
  expect((await ask(router.port, 'once.test')).status).toBe(502)
  expect(requests).toBeGreaterThan(2)
  server.close()
})

test('an idle connection that the backend closes just then fails no request', async () => {
  // Answers, and closes the connection when the next request comes on it: the worst moment.
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    let requests = 0
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', () => {
      requests += 1
      if (requests > 1) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await route('race.test', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  for (let i = 0; i < 30; i += 1) expect((await ask(router.port, 'race.test')).body).toBe('ok')
  for (const socket of sockets) socket.destroy()
  server.close()
})

test(
  'switches under load: no request fails, and the old backend drains before it is acknowledged',
  { timeout: 60_000 },
  async () => {
    await route('switch.test', a.url)
    const load = openLoad(router.port, 'switch.test', 8)
    await load.ran(100)
    const took: number[] = []
    for (let i = 0; i < 20; i += 1) {
      const [to, from] = i % 2 === 0 ? [b, a] : [a, b]
      const version = await setRoutes(redis.client, {
        set: [{ host: 'switch.test', identifier: 'switch', backends: [to.url] }],
        remove: [],
      })
      const started = performance.now()
      const switched = await awaitSwitch(redis.client, {
        version,
        backends: [from.url],
        drainTimeoutMs: 20_000,
      })
      took.push(performance.now() - started)
      expect(switched).toEqual({ workers: 2, applied: true, undrained: [] })
      await load.ran(20)
    }
    // Workers say so by themselves every three seconds.
    expect(took.sort((one, other) => one - other)[10]).toBeLessThan(1000)
    const { failures } = await load.stop()
    expect(failures).toEqual([])
  },
)

test('a request in flight holds the acknowledgement back and is finished', async () => {
  const held: ServerResponse[] = []
  using old = await startBackend('old', (_req, res) => held.push(res) > 0)
  await route('flight.test', old.url)
  const slow = ask(router.port, 'flight.test')
  await eventually(() => old.seen.length === 1)
  const version = await setRoutes(redis.client, {
    set: [{ host: 'flight.test', identifier: 'f', backends: [a.url] }],
    remove: [],
  })
  const early = await awaitSwitch(redis.client, { version, backends: [old.url], drainTimeoutMs: 300 })
  expect(early).toEqual({ workers: 2, applied: true, undrained: [old.url] })
  expect((await ask(router.port, 'flight.test')).body).toBe('a')
  for (const res of held) res.end('old')
  const late = await awaitSwitch(redis.client, { version, backends: [old.url], drainTimeoutMs: 20_000 })
  expect(late.undrained).toEqual([])
  expect((await slow).body).toBe('old')
  await eventually(() => old.open() === 0)
})

test(
  'a hung backend is asked, found silent and left alone; 504 where there is no other',
  { timeout: 60_000 },
  async () => {
    const silent: Socket[] = []
    let answering = false
    const hung = createServer((socket) => {
      silent.push(socket)
      socket.on('error', () => undefined)
      socket.on('data', () => {
        if (answering) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nback')
      })
    })
    hung.listen(0, '127.0.0.1')
    await once(hung, 'listening')
    const url = `http://127.0.0.1:${(hung.address() as AddressInfo).port}`
    await route('hang.test', url, a.url)
    const waiting = Array.from({ length: 8 }, () => ask(router.port, 'hang.test').catch(() => undefined))
    await eventually(
      async () =>
        Object.values((await router.stats()).backends).some((backend) => backend.ejected === 'hang'),
      30_000,
    )
    answering = true
    await eventually(async () => (await router.stats()).backends[url]?.ejected === null)
    for (const socket of silent) socket.destroy()
    await Promise.all(waiting)
    hung.close()
  },
)

test('an active health check takes a backend out and brings it back', async () => {
  let healthy = false
  using checked = await startBackend('checked', (req, res) => {
    if (req.url !== '/health') return false
    res.statusCode = healthy ? 200 : 500
    res.end(healthy ? 'all well' : 'no')
    return true
  })
  // Its answer to every path is its name, which is the text that the check looks for.
  using well = await startBackend('well')
  await route('health.test', checked.url, well.url)
  await redis.client.hset('healthcheck:health.test', {
    path: '/health',
    status: '200',
    body: 'well',
    interval: '0.2',
    fall: '2',
  })
  await eventually(async () => (await redis.client.smembers('dead:health.test')).join() === '0')
  // The workers hear of it a moment later than who asks Redis.
  await heard(redis.client)
  for (let i = 0; i < 8; i += 1) expect((await ask(router.port, 'health.test')).body).toBe('well')
  healthy = true
  await eventually(async () => (await redis.client.exists('dead:health.test')) === 0)
  await redis.client.del('healthcheck:health.test')
})

test('weights, chance and sticky sessions per host', async () => {
  await route('options.test', a.url, b.url)
  await redis.client.hset('paas:route:options:options.test', { weights: '0,1' })
  await eventually(async () => {
    const bodies = await Promise.all(Array.from({ length: 8 }, () => ask(router.port, 'options.test')))
    return bodies.every(({ body }) => body === 'b')
  })
  await redis.client.del('paas:route:options:options.test')
  await redis.client.hset('paas:route:options:options.test', { sticky: 'on', balance: 'random' })
  let cookie = ''
  await eventually(async () => {
    const { head } = await ask(router.port, 'options.test')
    cookie = /Set-Cookie: (paas_backend=[\w-]+); Path=\/; HttpOnly\r?$/m.exec(head)?.[1] ?? ''
    return cookie !== ''
  })
  const first = (await ask(router.port, 'options.test', '/', `Cookie: x=1; ${cookie}\r\n`)).body
  for (let i = 0; i < 20; i += 1) {
    const again = await ask(router.port, 'options.test', '/', `Cookie: ${cookie}\r\n`)
    expect(again.body).toBe(first)
    expect(again.head).not.toContain('Set-Cookie')
  }
  // One that another app of the same domain has set comes first.
  const tossed = await ask(router.port, 'options.test', '/', `Cookie: paas_backend=x; ${cookie}\r\n`)
  expect([tossed.body, tossed.head.includes('Set-Cookie')]).toEqual([first, false])
  const tunnel = connect(router.port, '127.0.0.1')
  tunnel.write('GET /ws HTTP/1.1\r\nHost: options.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  expect(String((await once(tunnel, 'data'))[0])).toMatch(/^HTTP\/1.1 101 [^]*Set-Cookie: paas_backend=/)
  tunnel.destroy()
  expect((await ask(router.port, 'options.test', '/', 'Cookie: paas_backend=forged\r\n')).head).toContain(
    'Set-Cookie',
  )
})

test('overload: a short queue, then 503 with Retry-After', async () => {
  using busy = await startBackend('busy')
  await route('busy.test', busy.url)
  await redis.client.hset('paas:route:options:busy.test', { maxInFlight: '1' })
  await heard(redis.client)
  const answers = await Promise.all(
    Array.from({ length: 600 }, () => ask(router.port, 'busy.test', '/slow?ms=20')),
  )
  const refused = answers.filter(({ status }) => status === 503)
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(10)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused[0]?.head).toContain('Retry-After: 1')
  await eventually(async () => (await ask(router.port, 'busy.test')).status === 200)
})

test(
  'Redis away: the last table serves; a key of another type says nothing',
  { timeout: 60_000 },
  async () => {
    await redis.client.hset('frontend:odd.test', 'not', 'a list')
    await redis.client.set('frontend:string.test', 'nor this')
    await redis.client.set('dead:app.test', 'a string')
    for (const host of ['odd.test', 'string.test']) {
      await eventually(async () => (await ask(router.port, host)).status === 503)
    }
    expect((await ask(router.port, 'app.test')).status).toBe(200)
    await redis.client.del('dead:app.test')
    // The snapshot is written within two seconds of a change.
    await new Promise((resolve) => setTimeout(resolve, 3000))
    await redis.stop()
    for (let i = 0; i < 10; i += 1) expect((await ask(router.port, 'app.test')).status).toBe(200)
    expect((await ask(router.port, 'unknown.test')).status).toBe(404)

    const second = await startRouter(redis, { args: ['--snapshot', join(redis.directory, 'routes.json')] })
    expect((await ask(second.port, 'app.test')).status).toBe(200)
    await second[Symbol.asyncDispose]()

    const metrics = await freePort()
    const empty = await startRouter(redis, { workers: 1, args: ['--metrics', `:${metrics}`] })
    const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${metrics}/ready`)).status
    expect((await ask(empty.port, 'app.test')).status).toBe(503)
    expect((await ask(empty.port, '__ping__')).status).toBe(200)
    expect(await ready()).toBe(503)
    await redis.start()
    // Redis kept nothing, so what it had is gone with its version: that is a loss, not a wish.
    await eventually(() => router.log().includes('lost its data'))
    expect((await ask(router.port, 'app.test')).status).toBe(200)
    await redis.client.rpush('frontend:app.test', 'app', a.url)
    await eventually(async () => (await ask(empty.port, 'app.test')).status === 200)
    expect(await ready()).toBe(200)
    await empty[Symbol.asyncDispose]()
    // Redis kept nothing of the workers either: they say that they are there within their three seconds.
    await eventually(async () => (await readWorkers(redis.client)).length === 2)
    await route('app.test', b.url)
    // The version began anew, so that its acknowledgement says nothing here.
    await eventually(async () => (await ask(router.port, 'app.test')).body === 'b')
  },
)

test('PROXY protocol from trusted proxies, v1 and v2, and X-Forwarded-… of theirs stands', async () => {
  const own = await startRouter(redis, {
    workers: 1,
    args: ['--proxy-protocol', '--trusted-proxy', '127.0.0.1/32', '--trusted-proxy', '192.0.2.0/24'],
  })
  const talk = async (bytes: Buffer): Promise<string[]> => {
    const socket = connect({ port: own.port, host: '127.0.0.1' })
    socket.write(bytes)
    let text = ''
    for await (const chunk of socket) text += (chunk as Buffer).toString()
    return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as string[]
  }
  const ask1 = Buffer.from(
    'GET /headers HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-For: 1.2.3.4\r\nConnection: close\r\n\r\n',
  )
  const field = (fields: string[], name: string): string | undefined => fields[fields.indexOf(name) + 1]
  const plain = await talk(ask1)
  expect(field(plain, 'X-Forwarded-For')).toBe('1.2.3.4, 127.0.0.1')
  const v1 = await talk(Buffer.concat([Buffer.from('PROXY TCP4 203.0.113.9 10.0.0.1 1000 80\r\n'), ask1]))
  expect(field(v1, 'X-Forwarded-For')).toBe('203.0.113.9')
  const v2 = Buffer.from('0d0a0d0a000d0a515549540a2111000ccb00710a0a00000103e80050', 'hex')
  const second = await talk(Buffer.concat([v2, ask1]))
  expect(field(second, 'X-Real-IP')).toBe('203.0.113.10')
  // Of whom a proxy does not say who it is, nothing is believed that it says itself.
  const unknown = [Buffer.from('PROXY UNKNOWN\r\n'), Buffer.from('0d0a0d0a000d0a515549540a21000000', 'hex')]
  for (const header of unknown)
    expect(field(await talk(Buffer.concat([header, ask1])), 'X-Forwarded-For')).toBe('127.0.0.1')
  const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')
  expect(field(await talk(Buffer.concat([local, ask1])), 'X-Forwarded-For')).toBe('1.2.3.4, 127.0.0.1')
  const chained = await talk(Buffer.concat([Buffer.from('PROXY TCP4 192.0.2.7 10.0.0.1 1000 80\r\n'), ask1]))
  expect(field(chained, 'X-Forwarded-For')).toBe('1.2.3.4, 192.0.2.7')
  await own[Symbol.asyncDispose]()
})

test(
  '2,000 idle connections and slow heads: others do not notice, memory stays bounded',
  { timeout: 60_000 },
  async () => {
    const sockets = Array.from({ length: 2000 }, (_, i) => {
      const socket = connect({ port: router.port, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      socket.resume()
      if (i % 2 === 0) socket.write('GET / HTTP/1.1\r\nHost: app')
      return socket
    })
    await eventually(async () => {
      const { workers } = await router.stats()
      return workers.reduce((sum, worker) => sum + worker.clients, 0) >= 2000
    }, 15_000)
    for (let i = 0; i < 50; i += 1) expect((await ask(router.port, 'app.test')).status).toBe(200)
    for (const worker of (await router.stats()).workers)
      expect(worker.rssBytes).toBeLessThan(300 * 1024 * 1024)
    // Half a head is worth ten seconds, not more.
    await eventually(
      () => sockets.filter((socket) => socket.destroyed || socket.readableEnded).length >= 1000,
    )
    for (const socket of sockets) socket.destroy()
  },
)

test('a worker that goes withdraws its record', async () => {
  const before = (await readWorkers(redis.client)).length
  const extra = await startRouter(redis, { workers: 1 })
  await eventually(async () => (await readWorkers(redis.client)).length === before + 1)
  await extra[Symbol.asyncDispose]()
  await eventually(async () => (await readWorkers(redis.client)).length === before)
})

test('the record of a worker that was killed goes with whoever takes its place', async () => {
  const [killed] = await readWorkers(redis.client)
  process.kill(killed!.pid, 'SIGKILL')
  await eventually(async () => {
    const ids = (await readWorkers(redis.client)).map(({ id }) => id)
    return ids.length === 2 && !ids.includes(killed!.id)
    // It would go by itself after seven seconds at least.
  }, 6000)
})

test('a port in use ends the router at once, and says who to look for', async () => {
  const args = ['--redis', redis.url, '--listen', `127.0.0.1:${router.port}`, '--workers', '1']
  const second = startRouter(redis, { bare: true, args })
  await expect(second).rejects.toThrow(
    new RegExp(`cannot listen on 127.0.0.1:${router.port}: .*EADDRINUSE.*\\n.*ss -ltnp`),
  )
})

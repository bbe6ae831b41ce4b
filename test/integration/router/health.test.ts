import { lookup } from 'node:dns'
import { readdirSync, writeFileSync } from 'node:fs'
import { type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHealthChecks } from '../../../src/router/health/checks.ts'
import { probe } from '../../../src/router/health/probe.ts'
import { type DeadMarks } from '../../../src/router/health/own-marks.ts'
import { createRouteTable, type RouteTable, TableRoute } from '../../../src/router/table/route-table.ts'
import { type Backend, startBackend } from './support/backend.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { ask, eventually, freePort, heard, serve, startRouter, type TestRouter } from './support/router.ts'

let redis: TestRedis
let router: TestRouter
let port: number
let good: Backend

/** As Hipache's file says: a first byte within a second, marks for two. */
beforeAll(async () => {
  redis = await startRedis()
  good = await startBackend('good')
  port = await freePort()
  const file = join(redis.directory, 'config.json')
  const server = {
    accessLog: join(redis.directory, 'access.log'),
    workers: 2,
    tcpTimeout: 1,
    deadBackendTTL: 2,
  }
  writeFileSync(file, JSON.stringify({ server, http: { port }, driver: [redis.url] }))
  router = await startRouter(redis, { bare: true, args: ['--hipache-config', file] })
})
afterAll(async () => {
  await router[Symbol.asyncDispose]()
  good.close()
  await redis[Symbol.asyncDispose]()
})

const route = (host: string, ...backends: string[]): Promise<void> => serve(redis.client, host, ...backends)

const dead = (host: string): Promise<string[]> => redis.client.smembers(`dead:${host}`)

/** Fails unless a host's mark is there, so many times. Redis lets go of it while the machine stands still for two seconds. */
async function staysDead(host: string, mark: string, times: number): Promise<void> {
  let missed = 0
  for (let i = 0; i < times; i += 1) {
    if ((await dead(host)).join() !== mark) missed += 1
    await sleep(100)
  }
  expect(missed).toBeLessThanOrEqual(2)
}

/** An app whose `/` answers 500, as many do that have no page there. */
const pageless = (name: string, at?: number): Promise<Backend> => failing(name, '/', at)

const failing = (name: string, path: string, at?: number): Promise<Backend> =>
  startBackend(
    name,
    (req, res) => {
      if (req.url !== path) return false
      res.statusCode = 500
      res.end()
      return true
    },
    at,
  )

test('one slow request does not take an app out that answers 500 at its root', async () => {
  using app = await pageless('app')
  await route('slow.test', app.url)
  expect((await ask(port, 'slow.test', '/hang')).status).toBe(504)
  await sleep(1000)
  expect((await ask(port, 'slow.test', '/served')).status).toBe(200)
})

test('a backend that was refused is back with whatever it answers', async () => {
  const at = await freePort()
  const url = `http://127.0.0.1:${at}`
  await route('back.test', url, good.url)
  for (let i = 0; i < 30; i += 1) expect((await ask(port, 'back.test', '/served')).body).toBe('good')
  using app = await pageless('app', at)
  await eventually(async () => (await router.stats()).backends[url]?.ejected === null)
  await eventually(async () => (await ask(port, 'back.test', '/served')).body === 'app')
  expect(app.seen).toContain('HEAD /')
})

test('a health check as planb writes it, with nothing in body and status', async () => {
  using sick = await failing('sick', '/health')
  await route('planb.test', good.url, sick.url)
  const check = { path: '/health', body: '', status: '0', interval: '0.2' }
  await redis.client.hset('healthcheck:planb.test', check)
  await eventually(async () => (await dead('planb.test')).join() === '1')
  await heard(redis.client)
  for (let i = 0; i < 10; i += 1) expect((await ask(port, 'planb.test')).body).toBe('good')
  await redis.client.del('healthcheck:planb.test')
})

test('a health check with mistakes in it goes on without them, and says which', async () => {
  using sick = await failing('sick', '/health')
  await route('odd.test', good.url, sick.url)
  const odd = { status: '2xx', timeout: '0', fall: '0.5', rise: 'x\ny' }
  await redis.client.hset('healthcheck:odd.test', { path: 'health', interval: '0.2', ...odd })
  await eventually(async () => (await dead('odd.test')).join() === '1')
  expect(sick.seen).toContain('GET /health')
  for (const [field, text] of Object.entries(odd)) {
    const warning = `healthcheck:odd.test: ${field} ${JSON.stringify(text)} is not understood`
    expect(router.log().split(warning)).toHaveLength(2)
  }
  expect(router.log()).not.toMatch(/healthcheck:odd.test: (path|interval)/)
  await redis.client.del('healthcheck:odd.test')
})

test('a verdict ends with its check', async () => {
  using sick = await failing('sick', '/health')
  await route('ends.test', good.url, sick.url)
  await redis.client.hset('healthcheck:ends.test', { path: '/health', interval: '0.2', fall: '1' })
  await eventually(async () => (await dead('ends.test')).join() === '1')
  // Not by the mark's own end, and what others have marked is theirs.
  const ending = redis.client.multi().sadd('dead:ends.test', '7').del('healthcheck:ends.test')
  await ending.persist('dead:ends.test').exec()
  await eventually(async () => (await dead('ends.test')).join() === '7')
  await redis.client.del('dead:ends.test')
})

test('a verdict outlives that its check is deleted and written anew', async () => {
  using sick = await failing('sick', '/health')
  await route('anew.test', good.url, sick.url)
  const check = { path: '/health', interval: '5', fall: '1' }
  await redis.client.hset('healthcheck:anew.test', check)
  await eventually(async () => (await dead('anew.test')).join() === '1')
  await redis.client.del('healthcheck:anew.test')
  await heard(redis.client)
  await redis.client.hset('healthcheck:anew.test', { ...check, interval: '4' })
  await staysDead('anew.test', '1', 30)
  await redis.client.del('healthcheck:anew.test')
})

test('a verdict is about a backend, whatever becomes of its place', async () => {
  using sick = await failing('sick', '/health')
  await route('shift.test', sick.url, good.url)
  const check = { path: '/health', interval: '1', fall: '1', rise: '20' }
  await redis.client.hset('healthcheck:shift.test', check)
  await eventually(async () => (await dead('shift.test')).join() === '0')
  await redis.client.lrem('frontend:shift.test', 0, sick.url)
  await eventually(async () => (await dead('shift.test')).length === 0)
  await sleep(1500)
  expect(await dead('shift.test')).toEqual([])
  expect((await ask(port, 'shift.test')).body).toBe('good')
  await redis.client.del('healthcheck:shift.test')
})

const emptyTable = () =>
  createRouteTable(
    () => undefined,
    () => undefined,
  )

const quietChecks = (table: RouteTable, marks: DeadMarks) =>
  createHealthChecks(
    table,
    marks,
    { deadTtlSeconds: 30, lookup },
    { report: () => undefined, warn: () => undefined },
  )

test('checks that have ended do not begin again with the next change', async () => {
  using asked = await startBackend('asked')
  const table = emptyTable()
  table.set(new TableRoute('ended.test', ['app', asked.url], undefined))
  const marks = {
    markDead: async () => true,
    unmarkDead: async () => undefined,
    checkerLives: async () => false,
  }
  const checks = quietChecks(table, marks)
  checks.set('ended.test', { interval: '0.1' })
  await eventually(() => asked.seen.length > 1)
  checks.close()
  await sleep(100)
  const { length } = asked.seen
  checks.set('ended.test', { interval: '0.2' })
  await sleep(500)
  // One may have been on its way.
  expect(asked.seen.length).toBeLessThanOrEqual(length + 1)
})

test('a probe has its time also where this process stands still meanwhile', async () => {
  const held: ServerResponse[] = []
  using app = await startBackend('app', (_req, res) => held.push(res) > 0)
  const question = { method: 'GET', path: '/', host: 'a.test', body: undefined, timeoutMs: 300 } as const
  const address = { host: '127.0.0.1', port: app.port, tls: false }
  const asked = probe(address, { ...question, accepts: () => true, lookup })
  await eventually(() => held.length === 1)
  setTimeout(() => held[0]!.end('well'), 350)
  await sleep(100)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
  expect(await asked).toBe(undefined)
})

test('a probe that is answered with interim heads without end does no harm', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.write('HTTP/1.1 100\r\n\r\n'.repeat(100_000)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const pids = await router.workerPids()
  await route('flood.test', good.url, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  // Empty fields count as not given.
  const check = { path: '', interval: '0.2', timeout: '1', fall: '1', rise: '' }
  await redis.client.hset('healthcheck:flood.test', check)
  await eventually(async () => (await dead('flood.test')).join() === '1')
  expect(await router.workerPids()).toEqual(pids)
  await redis.client.del('healthcheck:flood.test')
  server.close()
})

test('a health check of a wildcard holds for all of its hosts, and asks for one', async () => {
  const hosts = new Set<string>()
  using sick = await startBackend('sick', (req, res) => {
    if (req.url !== '/health') return false
    hosts.add(req.headers.host ?? '')
    res.statusCode = 500
    res.end()
    return true
  })
  await redis.client.rpush('frontend:*.wild.test', 'wild', sick.url, good.url)
  await redis.client.hset('healthcheck:*.wild.test', { path: '/health', interval: '0.2' })
  await eventually(async () => (await dead('*.wild.test')).join() === '0')
  await heard(redis.client)
  for (let i = 0; i < 10; i += 1) expect((await ask(port, `a${i}.wild.test`)).body).toBe('good')
  expect([...hosts]).toEqual(['wild.test'])
  await redis.client.del('healthcheck:*.wild.test')
})

test('a verdict holds until the next one, however long marks last', async () => {
  using sick = await failing('sick', '/health')
  await route('long.test', sick.url, good.url)
  await redis.client.hset('healthcheck:long.test', { path: '/health', interval: '60', fall: '1' })
  await eventually(async () => (await dead('long.test')).join() === '0')
  await staysDead('long.test', '0', 40)
  expect(sick.seen.filter((line) => line === 'GET /health')).toHaveLength(1)
  await redis.client.del('healthcheck:long.test')
})

// Marks last for two seconds, in which a worker has to follow another.
test('a verdict holds until enough probes in a row say otherwise', { retry: 2 }, async () => {
  let probes = 0
  let isWell = false
  using moody = await startBackend('moody', (req, res) => {
    if (req.url !== '/health') return false
    probes += 1
    res.statusCode = isWell || probes % 2 === 0 ? 200 : 500
    res.end()
    return true
  })
  await route('moody.test', moody.url, good.url)
  await redis.client.hset('healthcheck:moody.test', {
    path: '/health',
    interval: '0.4',
    fall: '1',
    rise: '5',
  })
  await eventually(async () => (await dead('moody.test')).join() === '0')
  const { length } = await router.workerPids()
  router.child.kill('SIGHUP')
  await staysDead('moody.test', '0', 50)
  expect(await router.workerPids()).toHaveLength(length)
  // Nor does a worker that follows when all is well lift it before that is certain.
  isWell = true
  router.child.kill('SIGHUP')
  const probed = probes
  let early = 0
  await eventually(async () => {
    const isIn = (await dead('moody.test')).length === 0
    if (isIn && probes < probed + 5) early += 1
    return isIn && probes >= probed + 5
  })
  // As while the machine stands still.
  expect(early).toBeLessThanOrEqual(2)
  await redis.client.del('healthcheck:moody.test')
})

test('a verdict holds while a probe takes longer than marks last', async () => {
  using hanging = await startBackend('hanging', (req) => req.url === '/health')
  await route('hangs.test', hanging.url, good.url)
  const check = { path: '/health', interval: '0.2', timeout: '4', fall: '1' }
  await redis.client.hset('healthcheck:hangs.test', check)
  await eventually(async () => (await dead('hangs.test')).join() === '0')
  await staysDead('hangs.test', '0', 45)
  await redis.client.del('healthcheck:hangs.test')
})

test('a health check reads bodies as clients would', async () => {
  const answers: Record<string, (res: ServerResponse) => void> = {
    'in chunks': (res) => {
      res.write('all w')
      setTimeout(() => res.end('ell, läuft'), 50)
    },
    'after hints': (res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
      res.end('all well, läuft')
    },
    'hints and failure': (res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
      res.statusCode = 500
      res.end('all well, läuft')
    },
    'something else': (res) => res.end('not well'),
  }
  const backends = await Promise.all(
    Object.entries(answers).map(([name, answer]) =>
      startBackend(name, (req, res) => {
        if (req.url !== '/health') return false
        answer(res)
        return true
      }),
    ),
  )
  await route('bodies.test', ...backends.map(({ url }) => url))
  await redis.client.hset('healthcheck:bodies.test', {
    path: '/health',
    interval: '0.2',
    status: '200',
    body: 'all well, läuft',
  })
  await eventually(async () => (await dead('bodies.test')).toSorted().join() === '2,3')
  await sleep(500)
  expect((await dead('bodies.test')).toSorted()).toEqual(['2', '3'])
  for (const backend of backends) backend.close()
  await redis.client.del('healthcheck:bodies.test')
})

test('what is wrong with an answer is said as it is', async () => {
  using lacking = await startBackend('lacking')
  const cut = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-'))
  }).listen(0, '127.0.0.1')
  await once(cut, 'listening')
  const cutUrl = `http://127.0.0.1:${(cut.address() as AddressInfo).port}`
  await route('says.test', good.url, lacking.url, cutUrl)
  await redis.client.hset('healthcheck:says.test', { interval: '0.2', fall: '1', body: 'good' })
  await eventually(async () => (await dead('says.test')).sort().join() === '1,2')
  expect(router.log()).toContain(
    `${lacking.url} of says.test failed its check: the body lacks the expected text`,
  )
  expect(router.log()).toContain(`${cutUrl} of says.test failed its check: the answer was cut short`)
  await redis.client.del('healthcheck:says.test')
  cut.close()
})

test('a backend that is listed twice fails once per check', async () => {
  using sick = await failing('sick', '/health')
  await route('twice.test', sick.url, sick.url, good.url)
  await redis.client.hset('healthcheck:twice.test', { path: '/health', interval: '1', fall: '2' })
  const checks = (): number => sick.seen.filter((line) => line === 'GET /health').length
  await eventually(async () => (await dead('twice.test')).length === 2)
  expect(checks()).toBeGreaterThanOrEqual(4)
  await redis.client.del('healthcheck:twice.test')
})

test('what an active checker has marked stands when the backend is back', async () => {
  const at = await freePort()
  const url = `http://127.0.0.1:${at}`
  await route('checker.test', url, good.url)
  await redis.client.set('hchecker_ping', Math.floor(Date.now() / 1000))
  for (let i = 0; i < 30; i += 1) await ask(port, 'checker.test', '/served')
  await redis.client.sadd('dead:checker.test', 0)
  using app = await startBackend('app', undefined, at)
  await eventually(async () => (await router.stats()).backends[url]?.ejected === null)
  await sleep(300)
  expect(await dead('checker.test')).toEqual(['0'])
  for (let i = 0; i < 10; i += 1) expect((await ask(port, 'checker.test')).body).toBe('good')
  expect(app.seen).toContain('HEAD /')
  await redis.client.del('hchecker_ping')
})

// What others give it may be over before it is looked at.
test('a mark that others have renewed is left to them', { retry: 2 }, async () => {
  await route('renewed.test', 'http://127.0.0.1:1', good.url)
  await eventually(async () => {
    await ask(port, 'renewed.test')
    return (await dead('renewed.test')).length > 0
  })
  await sleep(1500)
  await redis.client.multi().sadd('dead:renewed.test', '0').expire('dead:renewed.test', 2).exec()
  await sleep(1300)
  expect(await dead('renewed.test')).toEqual(['0'])
})

test('a mark that is written only once the backend is back is none', async () => {
  const away = await freePort()
  await route('late.test', `http://127.0.0.1:${away}`, good.url)
  await redis.client.call('CLIENT', 'PAUSE', '1500', 'WRITE')
  for (let i = 0; i < 30; i += 1) expect((await ask(port, 'late.test')).body).toBe('good')
  using back = await startBackend('back', undefined, away)
  await sleep(1000)
  await eventually(() => router.log().includes(`${back.url} is back`))
  await sleep(1000)
  expect(await dead('late.test')).toEqual([])
})

test('requests in progress are counted by host', async () => {
  const held: ServerResponse[] = []
  using app = await startBackend('app', (_req, res) => held.push(res) > 0)
  await route('flight.test', app.url)
  const slow = Array.from({ length: 3 }, () => ask(port, 'flight.test'))
  const going = setInterval(() => held.forEach((res) => res.write('.')), 100)
  await eventually(async () => (await router.stats()).hosts['flight.test']?.inFlight === 3)
  clearInterval(going)
  for (const res of held) res.end()
  await Promise.all(slow)
  expect((await router.stats()).hosts['flight.test']?.inFlight).toBe(0)
})

test('a router without a file to spare says nothing about backends', async () => {
  using other = await startBackend('other')
  await using own = await startRedis()
  await own.client.rpush('frontend:spare.test', 'spare', good.url, other.url)
  await own.client.hset('healthcheck:spare.test', { path: '/', interval: '0.2', fall: '1' })
  const through = ['prlimit', '--nofile=120:120']
  await using narrow = await startRouter(own, { workers: 1, through })
  await eventually(() => other.seen.length > 2)
  const [pid] = await narrow.workerPids()
  const sockets = Array.from({ length: 200 }, () =>
    connect({ port: narrow.port, host: '127.0.0.1' }).on('error', () => undefined),
  )
  await eventually(() => readdirSync(`/proc/${pid}/fd`).length >= 119)
  await sleep(300)
  const probed = other.seen.length
  for (let i = 0; i < 20; i += 1) {
    expect(await own.client.smembers('dead:spare.test')).toEqual([])
    await sleep(100)
  }
  expect(other.seen.length).toBe(probed)
  for (const socket of sockets) socket.destroy()
  await eventually(() => other.seen.length > probed)
  expect(narrow.log()).not.toContain('failed its check')
})

test('a host that a wildcard serves has a health check of its own', async () => {
  const sick = await failing('sick', '/health')
  await redis.client.rpush('frontend:*.wide.test', 'wild', good.url, sick.url)
  await redis.client.hset('healthcheck:x.wide.test', { path: '/health', interval: '0.2' })
  await eventually(async () => (await dead('x.wide.test')).includes('1'))
  await heard(redis.client)
  for (let i = 0; i < 10; i += 1) expect((await ask(port, 'x.wide.test')).body).toBe('good')
  // Others have nothing to do with it.
  await eventually(async () => (await ask(port, 'y.wide.test')).body === 'sick')
  await redis.client.del('healthcheck:x.wide.test')
  await eventually(async () => (await dead('x.wide.test')).length === 0)
  sick.close()
})

test('a verdict ends with the place it was about, however rare checks are', async () => {
  const sick = await failing('sick', '/health')
  await redis.client.rpush('frontend:*.rare.test', 'rare', sick.url, good.url)
  await redis.client.hset('healthcheck:x.rare.test', { path: '/health', interval: '3600', fall: '1' })
  await eventually(async () => (await dead('x.rare.test')).join() === '0')
  // Not by the mark's own end.
  await redis.client.multi().lrem('frontend:*.rare.test', 0, sick.url).persist('dead:x.rare.test').exec()
  await eventually(async () => (await ask(port, 'x.rare.test')).body === 'good')
  await redis.client.del('healthcheck:x.rare.test', 'frontend:*.rare.test')
  sick.close()
})

test('a verdict ends with a check that goes together with the place it was about', async () => {
  using sick = await failing('sick', '/health')
  const table = emptyTable()
  table.set(new TableRoute('both.test', ['app', sick.url, good.url], undefined))
  const out = new Set<number>()
  const marks = {
    markDead: async ({ index }: { index: number }) => out.add(index).has(index),
    unmarkDead: async (_host: string, index: number) => void out.delete(index),
    checkerLives: async () => false,
  }
  const checks = quietChecks(table, marks)
  checks.set('both.test', { path: '/health', fall: '1' })
  await eventually(() => out.has(0))
  table.set(new TableRoute('both.test', ['app', good.url], undefined))
  checks.set('both.test', {})
  await eventually(() => out.size === 0)
  checks.close()
})

test('a verdict holds also in the moment in which Redis is back', { retry: 2 }, async () => {
  using sick = await failing('sick', '/health')
  await using own = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always'])
  const file = join(own.directory, 'config.json')
  const at = await freePort()
  const server = { workers: 2, deadBackendTTL: 1, accessLog: join(own.directory, 'access.log') }
  writeFileSync(file, JSON.stringify({ server, http: { port: at }, driver: [own.url] }))
  await own.client.rpush('frontend:back.test', 'back', sick.url, good.url)
  await own.client.hset('healthcheck:back.test', { path: '/health', interval: '60', fall: '1' })
  await using other = await startRouter(own, { bare: true, args: ['--hipache-config', file] })
  await eventually(async () => (await own.client.smembers('dead:back.test')).join() === '0')
  await heard(own.client)
  await own.stop()
  // Marks last for a second.
  await sleep(2500)
  const bodies = new Set<string>()
  const back = own.start()
  for (const until = performance.now() + 3000; performance.now() < until; await sleep(5))
    bodies.add((await ask(at, 'back.test')).body)
  await back
  expect([...bodies]).toEqual(['good'])
  expect(other.child.exitCode).toBeNull()
})

test('a verdict holds while Redis is away', async () => {
  const sick = await failing('sick', '/health')
  await route('away.test', good.url, sick.url)
  await redis.client.hset('healthcheck:away.test', { path: '/health', interval: '0.2' })
  await eventually(async () => (await dead('away.test')).includes('1'))
  await heard(redis.client)
  await redis.stop()
  // Marks last for two seconds.
  await sleep(3000)
  for (let i = 0; i < 20; i += 1) expect((await ask(port, 'away.test')).body).toBe('good')
  await redis.start()
  sick.close()
})

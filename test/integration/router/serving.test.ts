import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reloadRouter, reopenRouterLogs } from '../../../src/router/control.ts'
import { type Backend, startBackend } from './support/backend.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { openLoad } from './support/load.ts'
import { ask, eventually, freePort, heard, startRouter, type TestRouter } from './support/router.ts'

let redis: TestRedis
let router: TestRouter
let a: Backend
let b: Backend
let metricsPort: number
beforeAll(async () => {
  redis = await startRedis(['--notify-keyspace-events', ''])
  a = await startBackend('a')
  b = await startBackend('b')
  metricsPort = await freePort()
  await redis.client.rpush('frontend:app.test', 'app', a.url)
  const args = [
    '--access-log',
    join(redis.directory, 'access.log'),
    '--metrics',
    `:${metricsPort}`,
    '--trusted-proxy',
    '10.0.0.0/8',
  ]
  router = await startRouter(redis, { args })
})
afterAll(async () => {
  await router[Symbol.asyncDispose]()
  a.close()
  b.close()
  await redis[Symbol.asyncDispose]()
})

/** Before everything is read anew in any case, every ten seconds. */
const atOnce = 5000

test('keys written by hand are served, changed and removed at once, on a stock Redis', async () => {
  expect((await ask(router.port, 'hand.test')).status).toBe(404)
  await redis.client.rpush('frontend:hand.test', 'hand', a.url)
  await eventually(async () => (await ask(router.port, 'hand.test')).body === 'a', atOnce)
  await redis.client.multi().del('frontend:hand.test').rpush('frontend:hand.test', 'hand', b.url).exec()
  await eventually(async () => (await ask(router.port, 'HAND.test:8080')).body === 'b', atOnce)
  await redis.client.del('frontend:hand.test')
  await eventually(async () => (await ask(router.port, 'hand.test')).status === 404, atOnce)
})

test('a key that is not in lower case: served, also while it is marked, read again and gone', async () => {
  await redis.client.rpush('frontend:Upper.TEST', 'upper', 'http://127.0.0.1:1', a.url)
  await eventually(async () => (await ask(router.port, 'upper.test')).body === 'a')
  for (let i = 0; i < 30; i += 1) expect((await ask(router.port, 'UPPER.test')).body).toBe('a')
  await eventually(async () => (await redis.client.exists('dead:upper.test')) === 1)
  await redis.client.sadd('dead:UPPER.test', '0')
  await heard(redis.client)
  for (let i = 0; i < 8; i += 1) expect((await ask(router.port, 'upper.test')).body).toBe('a')
  // Where two spellings are there, the one in lower case has it, and the other takes over when it goes. A mark is of an
  // index, whatever list it came from, and who has the old list still would make it anew.
  await redis.client
    .multi()
    .del('dead:upper.test', 'dead:UPPER.test')
    .rpush('frontend:upper.test', 'lower', b.url)
    .exec()
  await eventually(async () => (await ask(router.port, 'upper.test')).body === 'b')
  await redis.client.del('frontend:upper.test')
  await eventually(async () => (await ask(router.port, 'upper.test')).body === 'a')
  await redis.client.del('frontend:Upper.TEST')
  await eventually(async () => (await ask(router.port, 'upper.test')).status === 404)
})

test('wildcards, longest first; the list with only an identifier is found and has no backend', async () => {
  await redis.client.rpush('frontend:*.w.test', 'w', a.url)
  await redis.client.rpush('frontend:*.deep.w.test', 'deep', b.url)
  await redis.client.rpush('frontend:none.w.test', 'none')
  await eventually(async () => (await ask(router.port, 'x.deep.w.test')).body === 'b')
  await eventually(async () => (await ask(router.port, 'none.w.test')).status === 502)
  expect((await ask(router.port, 'x.y.w.test')).body).toBe('a')
  expect((await ask(router.port, 'w.test')).status).toBe(404)
})

test('dead indexes from outside are honoured at once, junk is not', async () => {
  await redis.client.rpush('frontend:dead.test', 'dead', a.url, b.url)
  await redis.client.sadd('dead:dead.test', '0', 'junk', '-1', '9')
  await eventually(async () => {
    const bodies = await Promise.all(Array.from({ length: 8 }, () => ask(router.port, 'dead.test')))
    return bodies.every(({ body }) => body === 'b')
  })
  await redis.client.sadd('dead:dead.test', '1')
  await eventually(async () => (await ask(router.port, 'dead.test')).status === 502)
  await redis.client.srem('dead:dead.test', '0', '1')
  await eventually(async () => (await ask(router.port, 'dead.test')).status === 200)
  await redis.client.sadd('dead:dead.test', '0', '1')
  await redis.client.pexpire('dead:dead.test', 300)
  await eventually(async () => (await ask(router.port, 'dead.test')).status === 200, atOnce)
})

test('__ping__ and the debug fields for loopback', async () => {
  expect(await ask(router.port, '__ping__')).toMatchObject({ status: 200, body: 'ok' })
  const { head } = await ask(router.port, 'app.test', '/', 'X-Debug: 1\r\n')
  expect(head).toContain(`x-debug-backend-url: ${a.url}/`)
  expect(head).toContain('x-debug-backend-id: 0')
  expect(head).toContain('x-debug-vhost: app')
  const debugOf = async (host: string): Promise<string> =>
    (await ask(router.port, host, '/', 'X-Debug:\r\n')).head
  expect(await debugOf('none.test')).toContain('x-debug-error: frontend not found')
  expect(await debugOf('a b')).toContain('x-debug-error: the Host is malformed')
  for (const host of ['none.test', 'app.test', '__ping__', 'a b']) {
    expect(await debugOf(host)).toContain('x-debug-version-hipache: paas')
  }
  await redis.client.rpush('frontend:downs.test', 'downs', 'http://127.0.0.1:1', 'http://127.0.0.1:2')
  // Which worker is asked is chance, and one may know it before the other.
  await eventually(async () =>
    (await debugOf('downs.test')).includes('x-debug-error: Cannot find a valid backend'),
  )
})

test('an IPv6 address is a host in any spelling, of the key too', async () => {
  await redis.client.rpush('frontend:[2001:db8:0::7]', 'v6', a.url)
  await eventually(async () => (await ask(router.port, '[2001:db8:0::7]')).status === 200)
  expect((await ask(router.port, '[2001:DB8::7]:80')).status).toBe(200)
  await redis.client.del('frontend:[2001:db8:0::7]')
  await eventually(async () => (await ask(router.port, '[2001:db8::7]')).status === 404)
})

test('whom a trusted proxy asks for is not told what the proxy may know', async () => {
  await using behind = await startRouter(redis, { workers: 1, args: ['--trusted-proxy', '127.0.0.1'] })
  const debugged = async (host: string, more: string): Promise<boolean> =>
    (await ask(behind.port, host, '/', `X-Debug: 1\r\n${more}`)).head.includes('x-debug')
  for (const host of ['app.test', 'none.test']) {
    expect(await debugged(host, '')).toBe(true)
    expect(await debugged(host, 'X-Forwarded-For: 127.0.0.1\r\n')).toBe(true)
    expect(await debugged(host, 'X-Forwarded-For: 203.0.113.9\r\n')).toBe(false)
    expect(await debugged(host, 'X-Forwarded-For: 127.0.0.1, 203.0.113.9\r\n')).toBe(false)
  }
})

/** A quarter of a gigabyte; a whole one with PAAS_TEST=all. */
const mebibytes = process.env['PAAS_TEST'] === 'all' ? 1024 : 256

test('a large upload and download arrive whole, in bounded memory', { timeout: 180_000 }, async () => {
  const size = mebibytes * 1024 * 1024
  const chunk = Buffer.alloc(1024 * 1024, 'upload')
  const hash = createHash('sha256')
  for (let i = 0; i < mebibytes; i += 1) hash.update(chunk)
  const answer = await new Promise<string>((resolve, reject) => {
    const upload = request({
      port: router.port,
      host: '127.0.0.1',
      path: '/hash',
      method: 'POST',
      headers: { host: 'app.test' },
    })
    upload.on('error', reject)
    upload.on('response', (response) => {
      let text = ''
      response.on('data', (data: Buffer) => (text += data.toString()))
      response.on('end', () => resolve(text))
    })
    let sent = 0
    const more = (): void => {
      while (sent < mebibytes) {
        sent += 1
        if (!upload.write(chunk)) return void upload.once('drain', more)
      }
      upload.end()
    }
    more()
  })
  expect(answer).toBe(`${size} ${hash.digest('hex')}`)
  const received = await new Promise<number>((resolve, reject) => {
    const download = request({
      port: router.port,
      host: '127.0.0.1',
      path: `/bytes?n=${size}`,
      headers: { host: 'app.test' },
    })
    download.on('error', reject)
    download.on('response', (response) => {
      let bytes = 0
      response.on('data', (data: Buffer) => (bytes += data.length))
      response.on('end', () => resolve(bytes))
    })
    download.end()
  })
  expect(received).toBe(size)
  for (const worker of (await router.stats()).workers) expect(worker.rssBytes).toBeLessThan(300 * 1024 * 1024)
})

test('a client that reads slowly holds its backend back', async () => {
  const socket = connect({ port: router.port, host: '127.0.0.1' })
  socket.write(`GET /bytes?n=${100 * 1024 * 1024} HTTP/1.1\r\nHost: app.test\r\n\r\n`)
  await new Promise((resolve) => socket.once('readable', resolve))
  await new Promise((resolve) => setTimeout(resolve, 500))
  const stats = await router.stats()
  expect(Math.max(...stats.workers.map((worker) => worker.rssBytes))).toBeLessThan(300 * 1024 * 1024)
  let bytes = 0
  for await (const chunk of socket) {
    bytes += (chunk as Buffer).length
    if (bytes >= 100 * 1024 * 1024) break
  }
  socket.destroy()
})

test('100-continue and early hints are relayed, and the interim answers come first', async () => {
  const answer = await ask(router.port, 'app.test', '/hash', 'Expect: 100-continue\r\n', 'POST', 'abc')
  expect(answer.head).toBe('HTTP/1.1 100 Continue')
  expect(answer.body).toContain('HTTP/1.1 200 OK')
})

test('WebSocket: only after the 101, both ways, cookies intact, refusals relayed', async () => {
  const upgrade = (path: string, host = 'app.test'): string =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n`
  const socket = connect({ port: router.port, host: '127.0.0.1' })
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))
  socket.write(upgrade('/ws'))
  await eventually(() => text.includes('\r\n\r\n') && text.endsWith('\n'))
  expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
  expect(text.match(/Set-Cookie: [ab]=/g)).toHaveLength(2)
  expect(text).toContain('X-Forwarded-For|127.0.0.1')
  expect(text).not.toContain('6.6.6.6')
  text = ''
  const large = 'x'.repeat(300_000)
  socket.write(large)
  await eventually(() => text === large)
  socket.destroy()

  expect(await sendRaw(upgrade('/refuse').replace('Upgrade\r', 'Upgrade, close\r'))).toMatch(
    /^HTTP\/1\.1 403 Forbidden[^]*no$/,
  )
  expect(await sendRaw(upgrade('/ws', 'unknown.test').replace('Upgrade\r', 'Upgrade, close\r'))).toMatch(
    /^HTTP\/1\.1 404/,
  )
  await redis.client.rpush('frontend:down.test', 'down', 'http://127.0.0.1:1')
  const toDown = upgrade('/ws', 'down.test').replace('Upgrade\r', 'Upgrade, close\r')
  await eventually(async () => (await sendRaw(toDown)).startsWith('HTTP/1.1 502'))
  expect((await ask(router.port, 'app.test')).status).toBe(200)
})

function sendRaw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: router.port, host: '127.0.0.1' })
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString()))
    socket.on('error', reject)
    socket.on('end', () => {
      socket.destroy()
      resolve(answer)
    })
    socket.write(text)
  })
}

test('a client that goes away takes its request with it', async () => {
  const socket = connect({ port: router.port, host: '127.0.0.1' })
  socket.write('GET /hang HTTP/1.1\r\nHost: app.test\r\n\r\n')
  await eventually(() => a.seen.includes('GET /hang'))
  const before = a.open()
  socket.destroy()
  await eventually(() => a.open() < before, 15_000)
})

test('the access log has a line per request, loses none in a rotation and lets nobody write one', async () => {
  const path = join(redis.directory, 'access.log')
  const count = (file: string): number => readFileSync(file, 'utf8').split('/logged').length - 1
  let asked = 0
  const load = (async () => {
    for (; asked < 60; asked += 1)
      await ask(router.port, 'app.test', `/logged?${asked}`, 'User-Agent: q"\x85uote\r\n')
  })()
  await eventually(() => asked > 20)
  await rename(path, `${path}.1`)
  router.child.kill('SIGUSR1')
  await load
  await reopenRouterLogs(router.control)
  await eventually(() => count(path) + count(`${path}.1`) === 60)
  const line = [path, `${path}.1`]
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .find((text) => text.includes('/logged'))
  expect(line).toMatch(
    /^::ffff:127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/logged\?\d+ HTTP\/1\.1" 200 \d+ "" "q\\x22\\x85uote" "app" [\d.]+ [\d.]+$/,
  )
})

test('the bytes of an answer are all that were sent', async () => {
  using pieces = await startBackend('pieces', (_req, res) => {
    res.writeProcessing()
    for (let i = 0; i < 100; i += 1) setTimeout(() => (i < 99 ? res.write('x'.repeat(i + 1)) : res.end()), i)
    return true
  })
  await redis.client.rpush('frontend:pieces.test', 'pieces', pieces.url)
  await eventually(async () => (await ask(router.port, 'pieces.test')).status === 102)
  const { head, body } = await ask(router.port, 'pieces.test', '/pieces')
  const path = join(redis.directory, 'access.log')
  const logged = (): string | undefined =>
    /"GET \/pieces HTTP\/1\.1" 200 (\d+) /.exec(readFileSync(path, 'utf8'))?.[1]
  await eventually(() => logged() !== undefined)
  expect(Number(logged())).toBe(head.length + 4 + body.length)
})

test('statistics and the Prometheus text', async () => {
  // That of the client that went away, too, which counts as gone after a second.
  await eventually(async () => (await router.stats()).total.inFlight === 0)
  const stats = await router.stats()
  expect(stats.workers).toHaveLength(2)
  expect(stats.hosts['app.test']).toMatchObject({ errors5xx: 0 })
  expect(stats.hosts['app.test']!.requests).toBeGreaterThan(60)
  expect(stats.hosts['app.test']!.p99).toBeGreaterThan(0)
  expect(stats.backends[a.url]).toMatchObject({ ejected: null, inFlight: 0 })
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  expect(text).toMatch(/paas_router_requests_total\{host="app\.test",status="2xx"\} \d+/)
  // Those without a route are in the sum only.
  const missed = (from: string): number => Number(/answers_total\{status="4xx"\} (\d+)/.exec(from)?.[1])
  for (let i = 0; i < 5; i += 1) await ask(router.port, 'nobody.test')
  const later = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  expect(missed(later) - missed(text)).toBe(5)
  expect(text).toMatch(/paas_router_request_duration_seconds_count\{host="app\.test"\} \d+/)
  expect(text).toMatch(/paas_router_request_duration_seconds_sum\{host="app\.test"\} \d+/)
  expect(text).toContain('paas_router_in_flight{host="app.test"} 0\n')
  const { p99 } = (await router.stats()).hosts['app.test']!
  const exported = /paas_router_duration_quantile_seconds\{host="app\.test",quantile="0\.99"\} (\S+)/.exec(
    text,
  )?.[1]
  expect(Number(exported) * 1000).toBeCloseTo(p99!, 1)
  expect(text).toContain(`paas_router_backend_duration_quantile_seconds{backend="${a.url}",quantile="0.5"}`)
})

test('reload under load: every worker is new and no request fails', { timeout: 60_000 }, async () => {
  const before = await router.workerPids()
  const load = openLoad(router.port, 'app.test', 4)
  await load.ran(200)
  expect(await reloadRouter(router.control)).toEqual({ workers: 2 })
  await load.ran(200)
  const { done, failures } = await load.stop()
  expect(failures).toEqual([])
  expect(done).toBeGreaterThan(400)
  const after = await router.workerPids()
  expect(after.filter((pid) => before.includes(pid))).toEqual([])
})

test('a router that is told to go while a worker is starting goes at once', { timeout: 60_000 }, async () => {
  const other = await startRouter(redis)
  const [first = 0] = await other.workerPids()
  process.kill(first, 'SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, 50))
  const told = performance.now()
  other.child.kill('SIGTERM')
  await once(other.child, 'exit')
  // Far from the half minute that connections in progress would have.
  expect(performance.now() - told).toBeLessThan(10_000)
})

test('SIGQUIT, as a terminal sends it to all of them, waits for what is in progress', async () => {
  const other = await startRouter(redis)
  const answer = ask(other.port, 'app.test', '/slow?ms=500')
  await eventually(async () => (await other.stats()).total.inFlight === 1)
  for (const pid of [other.child.pid!, ...(await other.workerPids())]) process.kill(pid, 'SIGQUIT')
  const [code] = (await once(other.child, 'exit')) as [number]
  expect(code).toBe(0)
  expect((await answer).status).toBe(200)
})

test('signals that mean nothing to it end neither the master nor a worker', async () => {
  const before = await router.workerPids()
  for (const pid of [router.child.pid!, ...before]) {
    process.kill(pid, 'SIGUSR2')
    if (pid !== router.child.pid) process.kill(pid, 'SIGUSR1')
  }
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await router.workerPids()).toEqual(before)
})

test('a killed worker is back within a second, and its sibling serves meanwhile', async () => {
  const [first = 0] = await router.workerPids()
  process.kill(first, 'SIGKILL')
  const killed = performance.now()
  await eventually(async () => (await ask(router.port, 'app.test')).status === 200, 4000)
  await eventually(async () => {
    const pids = await router.workerPids()
    return pids.length === 2 && !pids.includes(first)
  })
  // The whole respawn, process start included; a second on a machine that does nothing else.
  expect(performance.now() - killed).toBeLessThan(10_000)
})

test('more backends than files: who was asked before leaves room for the others', async () => {
  let [connections, made] = [0, 0]
  const server = createServer((_, response) => response.end('ok')).listen(0, '0.0.0.0')
  server.keepAliveTimeout = 60_000
  server.on('connection', (socket) => {
    connections += 1
    made += 1
    socket.on('close', () => (connections -= 1))
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await using own = await startRedis()
  const hosts = Array.from({ length: 200 }, (_, i) => `app-${i}.test`)
  for (const [i, host] of hosts.entries())
    await own.client.rpush(`frontend:${host}`, host, `http://127.0.1.${i + 1}:${port}`)
  await using narrow = await startRouter(own, { workers: 1, through: ['prlimit', '--nofile=160:160'] })
  await eventually(async () => (await ask(narrow.port, hosts.at(-1)!)).body === 'ok')
  for (const host of hosts) expect((await ask(narrow.port, host)).status).toBe(200)
  await eventually(() => connections <= 40)
  // Nor for as long as they might be asked again.
  await eventually(async () => {
    const before = made
    for (let i = 0; i < 5; i += 1) await ask(narrow.port, hosts.at(-2)!)
    return made - before <= 1
  })
  server.close()
  server.closeAllConnections()
})

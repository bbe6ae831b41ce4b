import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect as connectPlain, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBackend } from './support/backend.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { ask, eventually, freePort, startRouter } from './support/router.ts'
import { makeCertificate } from './support/tls.ts'

/** A master and its replica, on ports, as Hipache's files name them. */
let master: TestRedis
let replica: TestRedis
let masterPort: number
let replicaPort: number
let key: string
let cert: string

beforeAll(async () => {
  masterPort = await freePort()
  replicaPort = await freePort()
  master = await startRedis(['--port', String(masterPort)])
  replica = await startRedis(['--port', String(replicaPort), '--replicaof', '127.0.0.1', String(masterPort)])
  ;({ key, cert } = makeCertificate(master.directory))
  await eventually(
    async () => (await replica.client.info('replication')).includes('master_link_status:up'),
    50_000,
  )
})
afterAll(async () => {
  await replica[Symbol.asyncDispose]()
  await master[Symbol.asyncDispose]()
})

/** The router as it starts from a configuration file of Hipache's. */
async function hipache(config: Record<string, unknown>) {
  const file = join(master.directory, `config-${Math.random().toString(36).slice(2)}.json`)
  writeFileSync(file, JSON.stringify(config))
  return startRouter(master, { bare: true, args: ['--hipache-config', file] })
}

/** One request over TLS, the whole answer as text. */
async function askTls(port: number, host: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: host, rejectUnauthorized: false })
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.write(`GET /headers HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  await once(socket, 'end')
  return text
}

test('a file of 0.2: server.port, server.https and Redis by host and port', async () => {
  const [http, https] = [await freePort(), await freePort()]
  await using router = await hipache({
    server: {
      accessLog: null,
      port: http,
      workers: 1,
      maxSockets: 100,
      deadBackendTTL: 30,
      address: ['127.0.0.1'],
      https: { port: https, key, cert },
    },
    redisHost: '127.0.0.1',
    redisPort: masterPort,
  })
  using a = await startBackend('a')
  expect(router.log()).toContain('deprecated')
  await master.client.rpush('frontend:old.test', 'old', a.url)
  await eventually(async () => (await ask(http, 'old.test')).body === 'a')
  expect((await ask(http, 'nobody.test')).status).toBe(400)
  const answer = await askTls(https, 'old.test')
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK/)
  expect(answer).toContain('"X-Forwarded-Proto","https"')
  expect(answer).toContain(`"X-Forwarded-Port","${https}"`)
})

test('a file of 0.3: addresses of both families, a database of the driver, and what x-debug tells', async () => {
  const [http, https] = [await freePort(), await freePort()]
  await using router = await hipache({
    server: {
      accessLog: null,
      workers: 1,
      maxSockets: 100,
      tcpTimeout: 10,
      retryOnError: 1,
      deadBackendOn500: true,
      httpKeepAlive: false,
      port: http,
      address: ['127.0.0.1'],
      address6: ['::1'],
      https: { port: https, key, cert },
    },
    driver: `redis://127.0.0.1:${masterPort}/1`,
  })
  expect(router.log()).toContain('deprecated')
  using a = await startBackend('a')
  const database = master.client.duplicate({ db: 1 })
  await database.rpush('frontend:*.three.test', 'three', a.url)
  const refusing = [1, 2, 3, 4].map((port) => `http://127.0.0.1:${port}`)
  await database.rpush('frontend:away.test', 'away', ...refusing)
  await eventually(async () => (await ask(http, 'x.three.test')).body === 'a')
  expect(await askTls(https, 'x.three.test')).toMatch(/^HTTP\/1\.1 200 OK/)
  const sixth = connectPlain(http, '::1')
  sixth.end('GET / HTTP/1.0\r\nHost: x.three.test\r\n\r\n')
  expect(String((await once(sixth, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 OK/)
  const { head } = await ask(http, 'x.three.test', '/', 'X-Debug: 1\r\n')
  for (const line of [
    `x-debug-backend-url: ${a.url}`,
    'x-debug-backend-id: 0',
    'x-debug-vhost: three',
    'x-debug-frontend-key: x.three.test',
    'x-debug-time-total: ',
    'x-debug-time-backend: ',
    'x-debug-version-hipache: ',
  ])
    expect(head).toContain(line)
  const failed = await ask(http, 'away.test', '/', 'X-Debug: 1\r\n')
  expect(failed.status).toBe(502)
  expect(failed.head).toContain('x-debug-error: Reached max retries limit')
  await eventually(async () => (await database.scard('dead:away.test')) === 2)
  database.disconnect()
})

test('a file of 0.4: binds and drivers, read from the replica and marked in the master', async () => {
  const [http, https] = [await freePort(), await freePort()]
  const log = join(master.directory, 'access.log')
  await using router = await hipache({
    server: { accessLog: log, workers: 2, retryOnError: 3, deadBackendTTL: 30, tcpTimeout: 5 },
    http: { bind: [{ address: '127.0.0.1', port: http }] },
    https: {
      bind: [{ address: '127.0.0.1', port: https, key, cert }],
      // With spaces as in the list that 0.4 ships.
      ciphers: 'EECDH+AESGCM EECDH+ ECDSA+SHA256 EECDH+a RSA+SHA384 EECDH !aNULL !RC4',
    },
    driver: [`redis://127.0.0.1:${replicaPort}/0#tenant:`, `redis://127.0.0.1:${masterPort}/0#tenant:`],
  })
  using a = await startBackend('a')
  await master.client.rpush('tenant:frontend:new.test', 'new', 'http://127.0.0.1:1', a.url)
  await eventually(async () => (await ask(http, 'new.test')).body === 'a')
  for (let i = 0; i < 30; i += 1) expect((await ask(http, 'new.test')).body).toBe('a')
  await eventually(async () => (await master.client.smembers('tenant:dead:new.test')).join() === '0')
  expect(await askTls(https, 'new.test')).toMatch(/^HTTP\/1\.1 200 OK/)
  expect(await router.workerPids()).toHaveLength(2)
})

test('a file of 0.4 with the rest of https but no bind, user by id, and marks that are not kept', async () => {
  const port = await freePort()
  await using router = await hipache({
    server: { accessLog: null, workers: 1, deadBackendTTL: 0 },
    http: { bind: '127.0.0.1', port },
    https: { key: '/nonexistent.pem', cert: '/nonexistent.pem' },
    driver: `redis://127.0.0.1:${masterPort}`,
    user: 65_534,
    group: 65_534,
  })
  expect(router.log()).toContain('https.bind is missing')
  const [worker = 0] = await router.workerPids()
  expect(statSync(`/proc/${worker}`).uid).toBe(65_534)
  const heard: string[] = []
  const subscriber = master.client.duplicate()
  subscriber.on('message', (_channel, message: string) => heard.push(message))
  await subscriber.subscribe('dead')
  using a = await startBackend('a')
  await master.client.rpush('frontend:unkept.test', 'unkept', 'http://127.0.0.1:1', a.url)
  await eventually(async () => {
    expect((await ask(port, 'unkept.test')).body).toBe('a')
    return heard.length > 0
  })
  expect(heard[0]).toBe('unkept.test;http://127.0.0.1:1;0;2')
  expect(await master.client.exists('dead:unkept.test')).toBe(0)
  subscriber.disconnect()
})

test('a file of 0.4 by its user alone: server.port is on loopback', async () => {
  const port = await freePort()
  await using router = await hipache({
    user: 65_534,
    server: { accessLog: null, workers: 1, port },
    driver: `redis://127.0.0.1:${masterPort}`,
  })
  expect(router.log()).toContain('HTTP is served on 127.0.0.1 alone')
  expect((await ask(port, '__ping__')).body).toBe('ok')
  // Any other address of this machine is one that a listener on all of them would have.
  const elsewhere = connectPlain(port, '127.0.0.2')
  await expect(once(elsewhere, 'connect')).rejects.toThrow('ECONNREFUSED')
})

test('a file of 0.4 that names a port alone is served everywhere, by backends with white space around them', async () => {
  const port = await freePort()
  await using router = await hipache({
    server: { accessLog: null, workers: 1, maxSockets: 0 },
    http: { bind: [{ port }] },
    driver: `redis://127.0.0.1:${masterPort}`,
  })
  expect(router.log()).toContain('server.maxSockets is 0')
  for (const address of ['127.0.0.2', '::1']) {
    const socket = connectPlain(port, address)
    await once(socket, 'connect')
    socket.destroy()
  }
  using a = await startBackend('a')
  const heard: string[] = []
  const subscriber = master.client.duplicate()
  subscriber.on('message', (_channel, message: string) => heard.push(message))
  await subscriber.subscribe('dead')
  // As `echo URL | redis-cli -x rpush KEY` writes it.
  await master.client.rpush('frontend:spaced.test', 'spaced', 'http://127.0.0.1:1\n', `${a.url}\n`)
  await eventually(async () => (await ask(port, 'spaced.test')).body === 'a' && heard.length > 0)
  expect(heard[0]).toBe('spaced.test;http://127.0.0.1:1\n;0;2')
  subscriber.disconnect()
})

test('the password of a driver, whatever is in front of it', async () => {
  const [port, guardedPort] = [await freePort(), await freePort()]
  await using guarded = await startRedis(['--port', String(guardedPort)])
  using a = await startBackend('a')
  await guarded.client.rpush('frontend:guarded.test', 'guarded', a.url)
  await guarded.client.config('SET', 'requirepass', 'secret')
  for (const auth of ['hipache:secret', 'secret']) {
    await using router = await hipache({
      server: { accessLog: null, workers: 1 },
      http: { bind: '127.0.0.1', port },
      driver: `redis://${auth}@127.0.0.1:${guardedPort}`,
    })
    await eventually(async () => (await ask(port, 'guarded.test')).body === 'a')
    expect(router.log()).not.toContain('WRONGPASS')
  }
})

test('pages of staticDir, as they are at each moment; 500 is no reason for a mark where that is not wanted', async () => {
  const http = await freePort()
  const staticDir = join(master.directory, 'static')
  mkdirSync(staticDir)
  writeFileSync(join(staticDir, 'error_default.html'), 'default')
  await using router = await hipache({
    server: { accessLog: null, workers: 1, staticDir, deadBackendOn500: false },
    http: { bind: [{ address: '127.0.0.1', port: http }] },
    driver: [`redis://127.0.0.1:${masterPort}`],
  })
  expect(await ask(http, 'unknown.test')).toMatchObject({ status: 400, body: 'default' })
  writeFileSync(join(staticDir, 'error_400.html'), 'own')
  expect(await ask(http, 'unknown.test')).toMatchObject({ status: 400, body: 'own' })
  writeFileSync(join(staticDir, 'error_400.html'), 'edited')
  expect(await ask(http, 'unknown.test')).toMatchObject({ status: 400, body: 'edited' })
  using a = await startBackend('a')
  using b = await startBackend('b')
  await master.client.set('hchecker_ping', Math.floor(Date.now() / 1000))
  await master.client.rpush('frontend:five.test', 'five', a.url, b.url)
  await eventually(async () => (await ask(http, 'five.test')).status === 200)
  const announced: string[] = []
  const subscriber = master.client.duplicate()
  await subscriber.subscribe('dead')
  subscriber.on('message', (_channel: string, message: string) => announced.push(message))
  expect((await ask(http, 'five.test', '/status/500')).status).toBe(500)
  expect((await ask(http, 'five.test', '/status/502')).status).toBe(502)
  await eventually(() => announced.length > 0)
  await sleep(500)
  expect(announced).toHaveLength(1)
  subscriber.disconnect()
  await master.client.del('hchecker_ping')
  expect(router.log()).not.toContain('deadBackendOn500')
})

test('a dead mark lasts no longer because the clock was set back, by which Redis ends it', async () => {
  const http = await freePort()
  await using router = await hipache({
    server: { accessLog: null, workers: 1, deadBackendTTL: 1 },
    http: { bind: [{ address: '127.0.0.1', port: http }] },
    driver: [`redis://127.0.0.1:${masterPort}`],
  })
  using a = await startBackend('a')
  using b = await startBackend('b')
  await master.client.rpush('frontend:set-back.test', 'set-back', a.url, b.url)
  await eventually(async () => (await ask(http, 'set-back.test')).status === 200)
  await eventually(async () => {
    await ask(http, 'set-back.test', '/status/502')
    return (await master.client.scard('dead:set-back.test')) === 1
  })
  await master.client.expire('dead:set-back.test', 86_400)
  await eventually(async () => (await master.client.exists('dead:set-back.test')) === 0)
  expect(await router.workerPids()).toHaveLength(1)
})

test(
  'workers of another user: what only root may open is opened before, and the log after a rotation',
  { timeout: 60_000 },
  async () => {
    const [http, https] = [await freePort(), await freePort()]
    const logs = join(master.directory, 'root-only')
    mkdirSync(logs, { mode: 0o755 })
    chmodSync(master.directory, 0o755)
    const log = join(logs, 'access.log')
    await using router = await hipache({
      server: { accessLog: log, workers: 1 },
      http: { port: http, bind: '127.0.0.1' },
      https: { port: https, bind: '127.0.0.1', key, cert },
      driver: `redis://127.0.0.1:${masterPort}`,
      user: 'nobody',
      group: 'nogroup',
    })
    using a = await startBackend('a')
    await master.client.rpush('frontend:user.test', 'user', a.url)
    await eventually(async () => (await askTls(https, 'user.test')).startsWith('HTTP/1.1 200'))
    const [worker = 0] = await router.workerPids()
    expect(statSync(`/proc/${worker}`).uid).not.toBe(0)
    renameSync(log, `${log}.1`)
    router.child.kill('SIGUSR1')
    await eventually(() => existsSync(log))
    await eventually(async () => {
      await ask(http, 'user.test', '/rotated')
      return readFileSync(log, 'utf8').includes('/rotated')
    })
    expect(await router.workerPids()).toEqual([worker])
  },
)

test('a truncated answer over TLS ends the connection, not the worker', async () => {
  const [http, https] = [await freePort(), await freePort()]
  await using router = await hipache({
    server: { accessLog: null, workers: 1 },
    http: { port: http, bind: '127.0.0.1' },
    https: { port: https, bind: '127.0.0.1', key, cert },
    driver: `redis://127.0.0.1:${masterPort}`,
  })
  const backend = createServer((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc'))
  })
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  const { port } = backend.address() as AddressInfo
  await master.client.rpush('frontend:cut.test', 'cut', `http://127.0.0.1:${port}`)
  const before = await router.workerPids()
  await eventually(async () => (await askTls(https, 'cut.test')).endsWith('\r\n\r\nabc'))
  expect(await router.workerPids()).toEqual(before)
  backend.close()
})

test('a backend that is https is spoken to in TLS', async () => {
  const port = await freePort()
  const server = createTlsServer(
    { key: readFileSync(key), cert: readFileSync(cert) },
    (request, response) => {
      response.end(`secure ${request.headers['x-forwarded-proto'] as string}`)
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await using router = await hipache({
      server: { accessLog: null, workers: 1 },
      http: { bind: '127.0.0.1', port },
      driver: `redis://127.0.0.1:${masterPort}`,
    })
    const { port: backend } = server.address() as AddressInfo
    await master.client.rpush('frontend:tls.test', 'tls', `https://127.0.0.1:${backend}`)
    await eventually(async () => (await ask(port, 'tls.test')).body === 'secure http')
    for (let i = 0; i < 5; i += 1) expect((await ask(port, 'tls.test')).body).toBe('secure http')
    expect((await router.stats()).hosts['tls.test']?.errors5xx).toBe(0)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('tcpTimeout: a backend that says nothing for as long is 504', async () => {
  const port = await freePort()
  await using router = await hipache({
    server: { accessLog: null, workers: 1, tcpTimeout: 1 },
    http: { bind: '127.0.0.1', port },
    driver: `redis://127.0.0.1:${masterPort}`,
  })
  using a = await startBackend('a')
  await master.client.rpush('frontend:hang.test', 'hang', a.url)
  await eventually(async () => (await ask(port, 'hang.test')).body === 'a')
  const started = performance.now()
  expect((await ask(port, 'hang.test', '/hang')).status).toBe(504)
  expect(performance.now() - started).toBeLessThan(15_000)
  expect((await router.stats()).hosts['hang.test']?.errors5xx).toBe(1)
})

test.each([
  ['{"http": {"bind": "127.0.0.1:8499"}}', 'cannot listen on [127.0.0.1:8499]:80'],
  ['{"server": {"accessLog": "/nonexistent/access.log"}, "http": {"port": 8498}}', 'cannot be opened'],
  ['{', 'cannot be read as JSON'],
  ['{"server": {"workers": "many"}}', 'not a Hipache configuration'],
  [
    '{"https": {"bind": [{"port": 8443, "key": "/nonexistent.pem", "cert": "/nonexistent.pem"}]}}',
    'nonexistent.pem',
  ],
])('%s is refused with what is wrong', async (text, message) => {
  const file = join(master.directory, 'broken.json')
  writeFileSync(file, text)
  await expect(startRouter(master, { bare: true, args: ['--hipache-config', file] })).rejects.toThrow(message)
})

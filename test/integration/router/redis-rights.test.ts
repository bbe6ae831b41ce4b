import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseRedisUrl } from '../../../src/store/redis-target.ts'
import { openRouteFeed } from '../../../src/store/route-feed.ts'
import { type Backend, startBackend } from './support/backend.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { ask, eventually, freePort, startRouter } from './support/router.ts'

let redis: TestRedis
let port: number
let backend: Backend
beforeAll(async () => {
  port = await freePort()
  redis = await startRedis(['--port', String(port)])
  backend = await startBackend('served')
  await redis.client.rpush('frontend:app.test', 'app', backend.url, 'http://127.0.0.1:1')
})
afterAll(async () => {
  backend.close()
  await redis[Symbol.asyncDispose]()
})

test.each([
  ['no channel', '~* resetchannels +@all'],
  ['the keys that Hipache knows and no other', '~frontend:* ~dead:* ~hchecker_ping &* +@all'],
])('a user with rights to %s is served', async (_, rights) => {
  await redis.client.del('dead:app.test')
  await redis.client.acl('SETUSER', 'limited', 'reset', 'on', '>secret', ...rights.split(' '))
  const url = `redis://limited:secret@127.0.0.1:${port}/0`
  const router = await startRouter({ ...redis, url }, { workers: 1 })
  for (let i = 0; i < 30; i += 1) expect((await ask(router.port, 'app.test')).body).toBe('served')
  await eventually(async () => (await redis.client.smembers('dead:app.test')).join() === '1')
  await redis.client.rpush('frontend:later.test', 'later', backend.url)
  // Without notifications the resync finds it.
  await eventually(async () => (await ask(router.port, 'later.test')).status === 200)
  await redis.client.del('frontend:later.test')
  await router[Symbol.asyncDispose]()
})

test('a Redis that knows no subscriptions, and says so in its own words', async () => {
  await redis.client.del('dead:app.test')
  const inFront = createServer((client) => {
    const server = connect(port, '127.0.0.1')
    for (const socket of [client, server]) socket.on('error', () => undefined)
    server.pipe(client)
    client.on('data', (chunk: Buffer) => {
      if (/\r\np?subscribe\r\n/i.test(chunk.toString('latin1'))) client.write('-ERR command not offered\r\n')
      else server.write(chunk)
    })
    client.on('close', () => server.destroy())
  })
  inFront.listen(0, '127.0.0.1')
  await once(inFront, 'listening')
  const url = `redis://127.0.0.1:${(inFront.address() as AddressInfo).port}/0`
  const router = await startRouter({ ...redis, url }, { workers: 1 })
  expect((await ask(router.port, 'app.test')).body).toBe('served')
  await redis.client.rpush('frontend:later.test', 'later', backend.url)
  await eventually(async () => (await ask(router.port, 'later.test')).status === 200)
  await redis.client.del('frontend:later.test')
  await router[Symbol.asyncDispose]()
  inFront.close()
})

test('a database that is not there is no other one', async () => {
  const router = await startRouter({ ...redis, url: `redis://127.0.0.1:${port}/99` }, { workers: 1 })
  for (let i = 0; i < 10; i += 1) {
    expect((await ask(router.port, 'app.test')).status).toBe(503)
    await sleep(100)
  }
  expect(router.log()).toContain('DB index is out of range')
  await router[Symbol.asyncDispose]()
})

test('a prefix with characters of patterns is one like any other', async () => {
  const router = await startRouter({ ...redis, url: `redis://127.0.0.1:${port}/0#app[1]*:` }, { workers: 1 })
  await redis.client.rpush('app[1]*:frontend:glob.test', 'glob', backend.url)
  await eventually(async () => (await ask(router.port, 'glob.test')).status === 200, 5000)
  await router[Symbol.asyncDispose]()
})

test('rights to hear of changes that are granted later are taken up with the next reading', async () => {
  const user = (rights: string): Promise<unknown> =>
    redis.client.acl('SETUSER', 'later', 'reset', 'on', '>secret', '~*', '+@all', ...rights.split(' '))
  await user('resetchannels')
  const target = parseRedisUrl(`redis://later:secret@127.0.0.1:${port}/0`)
  const changed: string[] = []
  let connected = false
  const feed = openRouteFeed(
    { read: target, write: target },
    {
      onConnected: () => (connected = true),
      onChanged: (hosts) => changed.push(...hosts),
      onError: () => undefined,
    },
    { mayConfigure: false },
  )
  try {
    await eventually(() => connected && feed.connected)
    // In place, as one that is reset loses its connections.
    await redis.client.acl('SETUSER', 'later', '&*')
    await redis.client.publish('paas:route:changed', '1 unheard.test')
    for await (const page of feed.routes(new Set())) expect(page.length).toBeGreaterThan(0)
    await redis.client.publish('paas:route:changed', '2 heard.test')
    await eventually(() => changed.includes('heard.test'))
    expect(changed).not.toContain('unheard.test')
  } finally {
    feed.close()
  }
})

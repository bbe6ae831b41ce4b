import { lookup } from 'node:dns'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { modes, startPlane } from '../../conformance/router/lane.ts'
import { probe } from '../../../src/router/health/probe.ts'
import { defaultTimeouts } from '../../../src/router/settings.ts'
import { type Backend } from '../../../src/router/forward/backend.ts'
import { TableRoute } from '../../../src/router/table/route-table.ts'
import { startBackend } from './support/backend.ts'
import { startRedis } from './support/redis.ts'
import { ask, eventually, freePort, startRouter } from './support/router.ts'

const [[, mode]] = modes as [(typeof modes)[number]]

// Most of it is waiting.
describe.concurrent('a backend', () => {
  test('that hangs with one host answers all others', async () => {
    let hangs = true
    using shared = await startBackend('shared', (req) => hangs && req.headers.host === 'hang.test')
    const timeouts = { ...defaultTimeouts, firstByte: 1000 }
    const plane = await startPlane({
      routes: { 'hang.test': [shared.url], 'fine.test': [shared.url], '*.wild.test': [shared.url] },
      settings: { timeouts },
      mode,
    })
    expect((await ask(plane.port, 'hang.test')).status).toBe(504)
    // Its answers to others are no word for this one.
    await eventually(async () => {
      expect((await ask(plane.port, 'fine.test')).body).toBe('shared')
      return plane.backends.get(shared.url)?.ejectedFor('hang.test') === 'hang'
    })
    for (const host of ['fine.test', 'a.wild.test']) expect((await ask(plane.port, host)).body).toBe('shared')
    expect((await ask(plane.port, 'hang.test')).status).toBe(503)
    hangs = false
    await eventually(async () => (await ask(plane.port, 'hang.test')).body === 'shared')
    plane.close()
  })

  test('that was refused its host’s question is asked about others once it can be reached', async () => {
    const port = await freePort()
    using well = await startBackend('well')
    const routes = {
      'hang.test': [`http://127.0.0.1:${port}`, well.url],
      'fine.test': [`http://127.0.0.1:${port}`],
    }
    const plane = await startPlane({ routes, mode })
    for (let i = 0; i < 20; i += 1) expect((await ask(plane.port, 'hang.test')).body).toBe('well')
    expect((await ask(plane.port, 'fine.test')).status).toBe(502)
    const backend = plane.backends.get(`http://127.0.0.1:${port}`)!
    expect(backend.unreachable).toBe('refused')
    using shared = await startBackend('shared', (req) => req.headers.host === 'hang.test', port)
    await eventually(() => backend.ejectedFor('hang.test') === 'hang')
    expect(shared.seen).toContain('HEAD /')
    expect((await ask(plane.port, 'fine.test')).body).toBe('shared')
    expect((await ask(plane.port, 'hang.test')).body).toBe('well')
    plane.close()
  })

  test('that is out for one host does not let another wait for its probes', async () => {
    let probed = 0
    let closes = false
    using shared = await startBackend('shared', (req) => {
      if (req.headers.host === 'hang.test') {
        if (req.method === 'HEAD') probed += 1
        return true
      }
      if (closes) req.socket.destroy()
      return closes
    })
    using well = await startBackend('well')
    const routes = { 'hang.test': [shared.url], 'close.test': [shared.url, well.url] }
    const plane = await startPlane({
      routes,
      settings: { timeouts: { ...defaultTimeouts, firstByte: 1000 } },
      mode,
    })
    expect((await ask(plane.port, 'hang.test')).status).toBe(504)
    // The first finds that it hangs; from the second on it is waited for.
    await eventually(() => probed >= 2)
    const backend = plane.backends.get(shared.url)!
    closes = true
    await eventually(async () => {
      expect((await ask(plane.port, 'close.test')).body).toBe('well')
      return backend.ejectedFor('close.test') === 'close'
    })
    closes = false
    await eventually(() => backend.ejectedFor('close.test') === undefined, 4500)
    expect(backend.ejectedFor('hang.test')).toBe('hang')
    plane.close()
  })

  test('is back with the first request that it answers, and stays where no other is left', async () => {
    const ports = [await freePort(), await freePort()]
    const plane = await startPlane({
      routes: { 'poll.test': ports.map((port) => `http://127.0.0.1:${port}`) },
      mode,
    })
    expect((await ask(plane.port, 'poll.test', '/x')).status).toBe(502)
    const [one, two] = [...plane.backends.values()] as [Backend, Backend]
    await eventually(() => one.unreachable === 'refused' && two.unreachable === 'refused')
    // What a probe asks for is what it never answers.
    const polls = (req: { url?: string | undefined }) => req.url === '/'
    using first = await startBackend('served', polls, ports[0])
    using second = await startBackend('served', polls, ports[1])
    await eventually(async () => {
      expect((await ask(plane.port, 'poll.test', '/x')).body).toBe('served')
      return one.unreachable === undefined || two.unreachable === undefined
      // The questions to them are given up after five seconds.
    }, 4000)
    for (let i = 0; i < 30; i += 1) {
      expect((await ask(plane.port, 'poll.test', '/x')).body).toBe('served')
      await sleep(300)
    }
    expect([...first.seen, ...second.seen]).toContain('HEAD /')
    plane.close()
  })

  test('that answers only some requests gets one now and then where no other is left', async () => {
    using lone = await startBackend('lone', (req) => req.url !== '/x')
    const timeouts = { ...defaultTimeouts, firstByte: 1000 }
    const plane = await startPlane({ routes: { 'lone.test': [lone.url] }, settings: { timeouts }, mode })
    expect((await ask(plane.port, 'lone.test', '/report')).status).toBe(504)
    const [backend] = plane.backends.values()
    await eventually(() => backend?.ejectedFor('lone.test') === 'hang')
    expect((await ask(plane.port, 'lone.test', '/x')).status).toBe(503)
    await eventually(async () => (await ask(plane.port, 'lone.test', '/x')).body === 'lone')
    expect((await ask(plane.port, 'lone.test', '/x')).body).toBe('lone')
    plane.close()
  })

  test('that hung and then closes on our question serves what else it is asked', async () => {
    let hangs = true
    using lone = await startBackend('lone', (req) => {
      if (!hangs && req.method === 'HEAD') req.socket.destroy()
      return hangs || req.method === 'HEAD'
    })
    const timeouts = { ...defaultTimeouts, firstByte: 1000 }
    const plane = await startPlane({ routes: { 'lone.test': [lone.url] }, settings: { timeouts }, mode })
    expect((await ask(plane.port, 'lone.test')).status).toBe(504)
    const [backend] = plane.backends.values()
    await eventually(() => backend?.ejectedFor('lone.test') === 'hang')
    hangs = false
    await eventually(() => backend?.ejectedFor('lone.test') === 'close')
    expect((await ask(plane.port, 'lone.test')).body).toBe('lone')
    plane.close()
  })

  test('that answers on old connections is not back, as it may take no new ones', async () => {
    const routes = {
      'app.test': [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`],
    }
    const plane = await startPlane({ routes, mode })
    expect((await ask(plane.port, 'app.test')).status).toBe(502)
    const [backend] = plane.table.backendsOf(plane.table.lookup('app.test')!)
    const answered = (since: number): void =>
      plane.plane.onResponse('app.test', 0, backend!, since, { status: 200, retryAfter: false })
    answered(-Infinity)
    expect(backend?.unreachable).toBe('refused')
    answered(performance.now())
    expect(backend?.unreachable).toBe(undefined)
    plane.close()
  })

  test('that is listed twice has nobody beside it', async () => {
    using twice = await startBackend('twice', () => true)
    const plane = await startPlane({ routes: { 'twice.test': [twice.url, twice.url] }, mode })
    const socket = connect(plane.port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: twice.test\r\n\r\n')
    // Another would be asked after five seconds, and have five more.
    await sleep(13_000)
    expect(twice.seen).toEqual(['GET /'])
    expect([...plane.backends.values()].map(({ ejected }) => ejected)).toEqual([undefined])
    socket.destroy()
    plane.close()
  })

  test('that refused and cannot be reached any more is no last resort', async () => {
    const routes = {
      'app.test': [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`),
    }
    const plane = await startPlane({ routes, mode })
    expect((await ask(plane.port, 'app.test')).status).toBe(502)
    const route = plane.table.lookup('app.test')!
    const backends = plane.table.backendsOf(route)
    expect(backends.map((backend) => backend?.unreachable)).toEqual(['refused', 'refused'])
    // A question of half a second later may come in between.
    await eventually(async () => {
      for (const [index, backend] of backends.entries())
        plane.plane.onFailure(route, 'app.test', index, backend!, 'connectTimeout')
      expect(backends.map((backend) => backend?.unreachable)).toEqual(['connect', 'connect'])
      return (await ask(plane.port, 'app.test')).status === 503
    })
    // A probe finds out that it is quick to refuse.
    await eventually(() => backends.every((backend) => backend?.unreachable === 'refused'))
    plane.close()
  })

  test('that is only slow goes on where no other is left', async () => {
    const slowly = async (name: string) =>
      startBackend(name, (_req, res) => {
        setTimeout(() => res.end(name), 12_000)
        return true
      })
    using one = await slowly('one')
    using two = await slowly('two')
    const plane = await startPlane({ routes: { 'slow.test': [one.url, two.url] }, mode })
    const answers = [ask(plane.port, 'slow.test'), ask(plane.port, 'slow.test')]
    await sleep(11_000)
    answers.push(ask(plane.port, 'slow.test'), ask(plane.port, 'slow.test'))
    for (const answer of answers) expect((await answer).status).toBe(200)
    plane.close()
  })

  test('that answers a request is back, whatever it does with our question', async () => {
    const held: ServerResponse[] = []
    using busy = await startBackend('busy', (req, res) => req.method === 'HEAD' || held.push(res) > 0)
    using well = await startBackend('well')
    const plane = await startPlane({ routes: { 'app.test': [busy.url, well.url] }, mode })
    const answers = [ask(plane.port, 'app.test'), ask(plane.port, 'app.test')]
    const backend = await eventuallyOf(() => [...plane.backends.values()].find(({ url }) => url === busy.url))
    await eventually(() => backend.ejectedFor('app.test') === 'hang')
    expect(backend.ejectedFor('other.test')).toBe(undefined)
    for (const res of held) res.end('busy')
    for (const answer of answers) expect((await answer).status).toBe(200)
    expect(backend.ejectedFor('app.test')).toBe(undefined)
    plane.close()
  })

  test('has room for others while clients take their time to ask', async () => {
    using backend = await startBackend('served')
    const plane = await narrowPlane(backend.url)
    const slow: Socket[] = []
    for (let i = 0; i < 15; i += 1) {
      const socket = connect(plane.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write('POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\n\r\na')
      slow.push(socket)
    }
    // One more byte each, now and then, is no hurry.
    await sleep(1000)
    for (const socket of slow) socket.write('b')
    await eventually(() => plane.backends.get(backend.url)?.active === 0)
    expect((await ask(plane.port, 'app.test')).body).toBe('served')
    // What is whole counts again, and is answered.
    for (const socket of slow) {
      socket.write('cd')
      expect(String((await once(socket, 'data'))[0])).toContain('200 OK')
      socket.destroy()
    }
    await eventually(() => plane.backends.get(backend.url)?.inFlight === 0)
    expect(plane.backends.get(backend.url)?.active).toBe(0)
    plane.close()
  })

  test('has room for others while clients take their time with its answers', async () => {
    using backend = await startBackend('served')
    const plane = await narrowPlane(backend.url)
    const slow: Socket[] = []
    for (let i = 0; i < 10; i += 1) {
      const socket = connect(plane.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write('GET /bytes?n=50000000 HTTP/1.1\r\nHost: app.test\r\n\r\n')
      slow.push(socket.pause())
    }
    await eventually(() => plane.backends.get(backend.url)?.active === 0)
    expect((await ask(plane.port, 'app.test')).body).toBe('served')
    for (const socket of slow) socket.destroy()
    await eventually(() => plane.backends.get(backend.url)?.inFlight === 0)
    expect(plane.backends.get(backend.url)?.active).toBe(0)
    plane.close()
  })

  test('speaks TLS where it is to, or has not been reached', async () => {
    using backend = await startBackend('plain', () => true)
    const question = {
      method: 'HEAD',
      path: '/',
      host: 'a.test',
      accepts: () => true,
      body: undefined,
    } as const
    const asked = async (tls: boolean) =>
      (await probe({ host: '127.0.0.1', port: backend.port, tls }, { ...question, timeoutMs: 2500, lookup }))
        ?.kind
    expect(await asked(false)).toBe('silent')
    expect(await asked(true)).toBe('unreachable')
  })

  test('of a wildcard does not stand in for a host whose own may not have been read yet', async () => {
    using own = await startBackend('own')
    using all = await startBackend('all')
    const routes = { 'app.example.test': [own.url], '*.example.test': [all.url] }
    const plane = await startPlane({ routes, mode, routesKnown: false })
    expect((await ask(plane.port, 'app.example.test')).body).toBe('own')
    expect((await ask(plane.port, 'other.example.test')).status).toBe(503)
    plane.close()
  })

  test('is marked for as long as it is out, also by who was the checker’s till then', async () => {
    await using redis = await startRedis()
    using well = await startBackend('well')
    const port = await freePort()
    const url = `http://127.0.0.1:${await freePort()}`
    const file = join(redis.directory, 'config.json')
    const server = { accessLog: null, workers: 1, deadBackendTTL: 2, deadBackendOn500: true }
    writeFileSync(file, JSON.stringify({ server, http: { port }, driver: [redis.url] }))
    await redis.client.rpush('frontend:out.test', 'app', url, well.url)
    await redis.client.rpush('frontend:checked.test', 'app', 'http://127.0.0.1:1', well.url)
    await using router = await startRouter(redis, { bare: true, args: ['--hipache-config', file] })
    const dead = (host: string): Promise<string[]> => redis.client.smembers(`dead:${host}`)
    for (let i = 0; i < 20; i += 1) expect((await ask(port, 'out.test')).body).toBe('well')
    await eventually(async () => (await dead('out.test')).join() === '0')
    // Redis lets go of them every two seconds.
    let present = 0
    for (let i = 0; i < 50; i += 1) {
      await sleep(100)
      if ((await dead('out.test')).join() === '0') present += 1
    }
    expect(present).toBeGreaterThan(25)
    // That of another one, which somebody else has made, ends all the same.
    await redis.client.multi().sadd('dead:out.test', 1).expire('dead:out.test', 2).exec()
    await eventually(async () => (await ask(port, 'out.test')).status === 502)
    await eventually(async () => (await ask(port, 'out.test')).body === 'well')
    // An active checker is told, and answers for the marks for as long as it lives.
    const checker = (ago: number) => redis.client.set('hchecker_ping', Math.floor(Date.now() / 1000) - ago)
    await checker(0)
    for (let i = 0; i < 20; i += 1) expect((await ask(port, 'checked.test')).body).toBe('well')
    await sleep(500)
    expect(await dead('checked.test')).toEqual([])
    await checker(60)
    await eventually(async () => (await dead('checked.test')).join() === '0')
    expect(await router.workerPids()).toHaveLength(1)
  })
})

/** A router whose app has room for ten requests at once. */
async function narrowPlane(url: string) {
  const plane = await startPlane({ routes: {}, mode })
  const options = { balance: 'least' as const, weights: [], sticky: false, maxInFlight: 10 }
  plane.table.set(new TableRoute('app.test', ['app', url], options))
  return plane
}

/** Waits until there is something. */
async function eventuallyOf<T>(find: () => T | undefined): Promise<T> {
  let found: T | undefined
  await eventually(() => (found = find()) !== undefined)
  return found!
}

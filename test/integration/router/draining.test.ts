import { connect } from 'node:net'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { reloadRouter } from '../../../src/router/control.ts'
import { awaitSwitch, setRoutes } from '../../../src/store/routes.ts'
import { startBackend } from './support/backend.ts'
import { startRedis } from './support/redis.ts'
import { ask, eventually, startRouter } from './support/router.ts'

test('a WebSocket has half a minute after a reload, and no more', { timeout: 60_000 }, async () => {
  await using redis = await startRedis()
  using backend = await startBackend('served')
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  const log = join(redis.directory, 'access.log')
  await using router = await startRouter(redis, { workers: 1, args: ['--access-log', log] })
  const socket = connect(router.port, '127.0.0.1')
  let text = ''
  let closed = false
  socket.on('data', (chunk) => (text += String(chunk)))
  socket.on('error', () => undefined)
  socket.on('close', () => (closed = true))
  socket.write('GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  await eventually(() => text.includes('101 Switching Protocols'))
  const [old] = await router.workerPids()
  await reloadRouter(router.control)
  const reloaded = performance.now()
  while (performance.now() - reloaded < 28_000) {
    const word = String(performance.now())
    socket.write(word)
    await eventually(() => text.endsWith(word))
    expect((await ask(router.port, 'app.test')).body).toBe('served')
    await sleep(1000)
  }
  await eventually(() => closed, 5000)
  expect(performance.now() - reloaded).toBeGreaterThan(29_000)
  await eventually(() => !existsSync(`/proc/${old}`), 5000)
  expect(readFileSync(log, 'utf8')).toContain('"GET /ws HTTP/1.1" 101')
  expect((await ask(router.port, 'app.test')).body).toBe('served')
})

test(
  'no switch is acknowledged before workers that started while Redis stood still',
  { timeout: 40_000 },
  async () => {
    await using still = await startRedis()
    using backend = await startBackend('served')
    const config = await still.client.info('server')
    const pid = Number(/process_id:(\d+)/.exec(config)?.[1])
    await still.client.rpush('frontend:app.test', 'app', backend.url)
    await using router = await startRouter(still)
    await sleep(300)
    process.kill(pid, 'SIGSTOP')
    const before = await router.workerPids()
    router.child.kill('SIGHUP')
    await eventually(async () => (await router.workerPids()).every((one) => !before.includes(one)), 20_000)
    await eventually(() => before.every((one) => !existsSync(`/proc/${one}`)), 10_000)
    const host = 'app.test'
    const changed = setRoutes(still.client, { set: [{ host, identifier: 'app', backends: [] }], remove: [] })
    await sleep(50)
    process.kill(pid, 'SIGCONT')
    const switched = await awaitSwitch(still.client, {
      version: await changed,
      backends: [backend.url],
      drainTimeoutMs: 20_000,
    })
    expect(switched).toEqual({ workers: 2, applied: true, undrained: [] })
  },
)

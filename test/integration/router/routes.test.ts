import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  awaitSwitch,
  readRoutes,
  readWorkers,
  routeChannels,
  routeKeys,
  setRoutes,
} from '../../../src/store/routes.ts'
import { startRedis, type TestRedis } from './support/redis.ts'

let redis: TestRedis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())
beforeEach(async () => {
  await redis.client.flushall()
})

const blog = { host: 'blog.test', identifier: 'blog', backends: ['http://10.0.0.1:80', 'http://10.0.0.2:80'] }

test('setRoutes replaces whole lists, drops their dead sets, removes hosts and counts versions', async () => {
  await redis.client.sadd(routeKeys.dead('blog.test'), '1')
  await redis.client.rpush(routeKeys.frontend('old.test'), 'old', 'http://10.0.0.9:80')
  expect(await setRoutes(redis.client, { set: [blog], remove: ['old.test'] })).toBe(1)
  expect(await redis.client.lrange('frontend:blog.test', 0, -1)).toEqual(['blog', ...blog.backends])
  expect(await redis.client.keys('*')).not.toContain('dead:blog.test')
  expect(await readRoutes(redis.client)).toEqual([blog])
  expect(await setRoutes(redis.client, { set: [{ ...blog, backends: [] }], remove: [] })).toBe(2)
  expect(await readRoutes(redis.client)).toEqual([{ ...blog, backends: [] }])
})

test('setRoutes announces its version and hosts on the channel', async () => {
  const subscriber = redis.client.duplicate()
  await subscriber.subscribe(routeChannels.changed)
  const message = new Promise((resolve) => subscriber.on('message', (_channel, text) => resolve(text)))
  await setRoutes(redis.client, { set: [blog], remove: ['gone.test'] })
  expect(await message).toBe('1 blog.test gone.test')
  subscriber.disconnect()
})

test('readRoutes skips keys of another type', async () => {
  await redis.client.set(routeKeys.frontend('odd.test'), 'not a list')
  await setRoutes(redis.client, { set: [blog], remove: [] })
  expect(await readRoutes(redis.client)).toEqual([blog])
})

async function worker(id: string, version: number, draining: Record<string, number> = {}): Promise<void> {
  const record = { id, pid: 1, startedAt: new Date().toISOString(), version, draining }
  await redis.client.sadd(routeKeys.workers, id)
  await redis.client.set(routeKeys.worker(id), JSON.stringify(record), 'PX', 10_000)
  await redis.client.publish(routeChannels.acked, id)
}

const nobody = { workers: 0, applied: true, undrained: [] }

test('what a worker said before Redis was set back is no word about a switch', async () => {
  await redis.client.set(routeKeys.version, 2)
  await worker('w1', 23)
  const about = { version: 2, backends: [], drainTimeoutMs: 300 }
  expect(await awaitSwitch(redis.client, about)).toEqual({ ...nobody, workers: 1, applied: false })
  await worker('w1', 2)
  expect(await awaitSwitch(redis.client, about)).toEqual({ ...nobody, workers: 1 })
})

test('awaitSwitch with no router resolves at once', async () => {
  const started = performance.now()
  const switched = await awaitSwitch(redis.client, { version: 3, backends: ['b'], drainTimeoutMs: 5000 })
  expect(switched).toEqual(nobody)
  expect(performance.now() - started).toBeLessThan(4000)
})

test('awaitSwitch waits for a worker whose record has expired to speak again, and not for ever', async () => {
  // So it is after Redis was away for longer than ten seconds, or its clock went forward.
  await redis.client.set(routeKeys.version, 1)
  await redis.client.sadd(routeKeys.workers, 'w1')
  const options = { version: 1, backends: [], drainTimeoutMs: 20_000 }
  const switched = awaitSwitch(redis.client, options)
  await new Promise((resolve) => setTimeout(resolve, 700))
  await worker('w1', 0)
  await new Promise((resolve) => setTimeout(resolve, 100))
  await worker('w1', 1)
  expect(await switched).toEqual({ ...nobody, workers: 1 })

  await redis.client.del(routeKeys.worker('w1'))
  expect(await awaitSwitch(redis.client, options)).toEqual(nobody)
  expect(await redis.client.smembers(routeKeys.workers)).toEqual([])
})

test('a worker that falls silent late has as long to speak again as any other', async () => {
  await redis.client.set(routeKeys.version, 1)
  await worker('w1', 1, { b: 1 })
  await worker('w2', 1)
  const about = { version: 1, backends: ['b'], drainTimeoutMs: 20_000 }
  let over = false
  const switched = awaitSwitch(redis.client, about).finally(() => (over = true))
  await new Promise((resolve) => setTimeout(resolve, 5000))
  // Longer than that after the beginning it says nothing for a moment.
  await redis.client.del(routeKeys.worker('w1'))
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(over).toBe(false)
  await worker('w1', 1)
  expect(await switched).toEqual({ ...nobody, workers: 2 })
})

// Sooner than it would look by itself.
test('awaitSwitch waits for every worker to apply and to drain', { retry: 2 }, async () => {
  await redis.client.set(routeKeys.version, 2)
  await worker('w1', 1)
  await worker('w2', 2)
  let resolved = false
  const switched = awaitSwitch(redis.client, {
    version: 2,
    backends: ['http://old:1'],
    drainTimeoutMs: 10_000,
  }).then((result) => {
    resolved = true
    return result
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(resolved).toBe(false)
  await worker('w1', 2, { 'http://old:1': 3, 'http://other:1': 1 })
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(resolved).toBe(false)
  const before = performance.now()
  await worker('w1', 2, { 'http://other:1': 1 })
  expect(await switched).toEqual({ workers: 2, applied: true, undrained: [] })
  expect(performance.now() - before).toBeLessThan(300)
})

test('awaitSwitch says what had not drained at the limit', async () => {
  await redis.client.set(routeKeys.version, 1)
  await worker('w1', 1, { 'http://old:1': 1 })
  const options = { version: 1, backends: ['http://old:1', 'http://old:2'], drainTimeoutMs: 200 }
  expect(await awaitSwitch(redis.client, options)).toEqual({
    workers: 1,
    applied: true,
    undrained: ['http://old:1'],
  })
  expect(await awaitSwitch(redis.client, { ...options, version: 2 })).toMatchObject({ applied: false })
})

test('awaitSwitch rejects when it is aborted', async () => {
  await worker('w1', 0)
  const controller = new AbortController()
  const switched = awaitSwitch(redis.client, {
    version: 1,
    backends: [],
    drainTimeoutMs: 60_000,
    signal: controller.signal,
  })
  setTimeout(() => controller.abort(new Error('cancelled')), 50)
  await expect(switched).rejects.toThrow('cancelled')
})

test('awaitSwitch outlives an outage of Redis', async () => {
  await worker('w1', 0)
  const switched = awaitSwitch(redis.client, { version: 1, backends: [], drainTimeoutMs: 20_000 })
  await redis.stop()
  await redis.start()
  await worker('w1', 1)
  expect((await switched).applied).toBe(true)
})

test('readWorkers skips what is not a record', async () => {
  await worker('w1', 1)
  await redis.client.sadd(routeKeys.workers, 'odd')
  await redis.client.set(routeKeys.worker('odd'), '{"id":1}')
  expect((await readWorkers(redis.client)).map((record) => record.id)).toEqual(['w1'])
})

import { expect, test } from 'vitest'
import { createRouteTable } from '../../../src/router/table/route-table.ts'
import { createSync } from '../../../src/router/table/sync.ts'
import { parseRedisUrl } from '../../../src/store/redis-target.ts'
import { openRouteFeed } from '../../../src/store/route-feed.ts'
import { startBackend } from './support/backend.ts'
import { routeKeys, setRoutes } from '../../../src/store/routes.ts'
import { startRedis } from './support/redis.ts'
import { ask, eventually, startRouter } from './support/router.ts'

const hosts = 20_000

test('changes arrive while all routes are read anew, and are not undone', async () => {
  await using redis = await startRedis()
  for (let i = 0; i < hosts; i += 1000) {
    const pipeline = redis.client.pipeline()
    for (let j = i; j < i + 1000; j += 1)
      pipeline.rpush(routeKeys.frontend(`app-${j}.test`), 'app', 'http://10.0.0.1:1')
    await pipeline.exec()
  }
  const target = parseRedisUrl(redis.url)
  const table = createRouteTable(
    () => undefined,
    () => undefined,
  )
  const problems: string[] = []
  const feed = openRouteFeed(
    { read: target, write: target },
    {
      onConnected: () => sync.wantFull(),
      onChanged: (changed, version) => sync.changed(changed, version),
      onError: (message) => problems.push(message),
    },
    { mayConfigure: false },
  )
  /** Full readings whose pages have not all come yet. */
  let reading = 0
  const sync = createSync(
    {
      ...feed,
      async *routes(extras) {
        reading += 1
        yield* feed.routes(extras)
        reading -= 1
      },
    },
    table,
    'least',
    {
      applied: () => undefined,
      healthcheck: () => undefined,
      changed: () => undefined,
      problem: (message) => problems.push(message),
    },
  )
  try {
    await eventually(() => Promise.resolve(sync.loaded))
    const during: number[] = []
    for (let i = 0; i < 10; i += 1) {
      sync.wantFull()
      const host = `app-${i * 997}.test`
      const backends = [`http://10.0.0.2:${i + 1}`]
      const version = await setRoutes(redis.client, {
        set: [{ host, identifier: 'app', backends }],
        remove: [],
      })
      while (sync.version < version) await new Promise((resolve) => setTimeout(resolve, 1))
      expect(table.get(host)?.urls).toEqual(backends)
      if (reading > 0) during.push(version)
      // One that is deleted and made anew in two steps.
      await redis.client.del(routeKeys.frontend('app-7.test'))
      await redis.client.rpush(routeKeys.frontend('app-7.test'), 'app', ...backends)
      await eventually(() => Promise.resolve(reading === 0))
      await eventually(() => Promise.resolve(table.get('app-7.test')?.urls[0] === backends[0]))
      expect(table.get(host)?.urls).toEqual(backends)
    }
    expect(during.length).toBeGreaterThan(5)
    expect(table.size()).toBe(hosts)
    expect(problems).toEqual([])
  } finally {
    feed.close()
  }
})

test.each(['SET', 'RPUSH'])('a version that is no number is none (%s)', async (write) => {
  await using redis = await startRedis()
  using backend = await startBackend('app')
  await redis.client.call(write, routeKeys.version, 'nonsense')
  await redis.client.rpush(routeKeys.frontend('app.test'), 'app', backend.url)
  await using router = await startRouter(redis, { workers: 1 })
  expect(await ask(router.port, 'app.test')).toMatchObject({ status: 200, body: 'app' })
  expect((await router.stats()).workers[0]?.version).toBe(0)
})

test.each(['', 'a[^-]\\*?:', 'ü', 'd', 'dead:'])(
  'one pass over all keys finds all that there is about hosts, under the prefix %j',
  async (prefix) => {
    await using redis = await startRedis()
    await redis.client.mset(Array.from({ length: 10_000 }, (_, i) => [`session:${i}`, 'x']).flat())
    await redis.client.rpush(`${prefix}frontend:a.test`, 'a', 'http://10.0.0.1:1')
    await redis.client.sadd(`${prefix}dead:b.test`, '0')
    await redis.client.hset('healthcheck:c.test', 'path', '/')
    await redis.client.hset('paas:route:options:d.test', 'balance', 'random')
    await redis.client.config('RESETSTAT')
    const target = { ...parseRedisUrl(redis.url), prefix }
    let connected = false
    const feed = openRouteFeed(
      { read: target, write: target },
      { onConnected: () => (connected = true), onChanged: () => undefined, onError: () => undefined },
      { mayConfigure: false },
    )
    try {
      await eventually(() => connected && feed.connected)
      const extras = new Set<string>()
      const found: string[] = []
      for await (const page of feed.routes(extras)) found.push(...page.map(({ host }) => host))
      expect(found).toEqual(['a.test'])
      expect([...extras].toSorted()).toEqual(['b.test', 'c.test', 'd.test'])
      // So many as there are pages.
      const calls = /cmdstat_scan:calls=(\d+)/.exec(await redis.client.info('commandstats'))?.[1]
      expect(Number(calls)).toBeLessThan(60)
    } finally {
      feed.close()
    }
  },
)

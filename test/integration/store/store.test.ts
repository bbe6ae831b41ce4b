import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { randomId } from '../../../src/lib/ids.ts'
import { App } from '../../../src/model/app.ts'
import { type Release } from '../../../src/model/release.ts'
import { keys } from '../../../src/store/keys.ts'
import { startState, type State } from '../../support/redis.ts'
import { aRelease } from '../../support/release.ts'

let state: State
beforeAll(async () => {
  state = await startState()
})
afterAll(() => state[Symbol.asyncDispose]())
beforeEach(async () => {
  const [, names] = await state.redis.scan(0, 'COUNT', 10_000)
  if (names.length > 0) await state.redis.del(names)
})

const app = (name: string, rest: Partial<App> = {}): App =>
  App.parse({
    id: randomId('a'),
    name,
    createdAt: '2026-11-20T12:00:00.000Z',
    formation: {},
    domains: [],
    lastRelease: 0,
    ...rest,
  })
const release = (version: number, rest: Partial<Release> = {}): Release =>
  aRelease({ version, status: 'pending', ...rest })
const corrupt = { code: 'STATE_CORRUPT' }

describe('apps', () => {
  test('are found by name and id, and listed by name', async () => {
    const { apps } = state.store
    const [blog, shop] = [app('blog'), app('shop', { formation: App.shape.formation.parse({ web: 2 }) })]
    await apps.create(shop)
    await apps.create(blog)
    expect(await apps.find(blog.name)).toEqual(blog)
    expect(await apps.get(shop.id)).toEqual(shop)
    expect(await apps.list()).toEqual([blog, shop])
  })

  test('that could not be read again are not stored', async () => {
    const { apps } = state.store
    const blog = app('blog')
    await apps.create(blog)
    const wrong = { ...blog, waitToRetire: 9999 }
    await expect(apps.save(wrong)).rejects.toMatchObject({ code: 'INTERNAL' })
    await expect(state.store.releases.create(wrong, release(1))).rejects.toMatchObject({ code: 'INTERNAL' })
    expect(await apps.list()).toEqual([blog])
  })

  test('leave nothing when they are removed', async () => {
    const { apps, releases } = state.store
    const blog = app('blog')
    await apps.create(blog)
    await apps.saveConfig(blog.id, { A: 'sealed' })
    await releases.create(blog, release(1))
    await apps.remove(blog)
    expect(await apps.find(blog.name)).toBeUndefined()
    expect(await state.redis.dbsize()).toBe(0)
  })

  test('config is replaced as a whole, also by none', async () => {
    const { apps } = state.store
    const blog = app('blog')
    await apps.saveConfig(blog.id, { A: '1', B: '2' })
    await apps.saveConfig(blog.id, { B: '3', constructor: '4' })
    expect(await apps.config(blog.id)).toEqual({ B: '3', constructor: '4' })
    await apps.saveConfig(blog.id, {})
    expect(await apps.config(blog.id)).toEqual({})
  })

  test.each([
    ['is not JSON', 'not json'],
    ['has another shape', '{"id":"b"}'],
    ['has what we do not know', JSON.stringify({ ...app('blog'), unknown: 1 })],
  ])('what is stored and %s is corrupt, named by its key', async (_what, text) => {
    const blog = app('blog')
    await state.redis.set(keys.app(blog.id), text)
    await expect(state.store.apps.get(blog.id)).rejects.toMatchObject(corrupt)
    await expect(state.store.apps.get(blog.id)).rejects.toThrow(keys.app(blog.id))
  })
})

describe('releases', () => {
  test('are listed newest first, and a new one takes its number in the same step', async () => {
    const { apps, releases } = state.store
    const blog = app('blog')
    for (const version of [1, 2, 10])
      await releases.create({ ...blog, lastRelease: version }, release(version))
    expect((await releases.list(blog.id)).map(({ version }) => version)).toEqual([10, 2, 1])
    expect((await apps.get(blog.id))?.lastRelease).toBe(10)
    expect(await releases.get(blog.id, 3)).toBeUndefined()
  })
})

describe('live releases', () => {
  test('are those of the apps that have one, as they are now', async () => {
    const { apps, releases } = state.store
    const [blog, shop, empty] = [
      app('blog', { currentRelease: 1 }),
      app('shop', { currentRelease: 2 }),
      app('x'),
    ]
    for (const one of [blog, shop, empty]) await apps.create(one)
    await releases.create({ ...blog, lastRelease: 1 }, release(1))
    const live = async () =>
      (await releases.live([blog, shop, empty])).map(({ app: { name }, release: { version, status } }) => [
        name,
        version,
        status,
      ])
    // Shop's is not stored, and the other app has none.
    expect(await live()).toEqual([['blog', 1, 'pending']])
    await releases.save(blog.id, release(1, { status: 'active' }))
    await releases.create({ ...shop, lastRelease: 2 }, release(2))
    expect(await live()).toEqual([
      ['blog', 1, 'active'],
      ['shop', 2, 'pending'],
    ])
    await state.redis.hset(keys.releases(shop.id), '2', 'not json')
    await expect(live()).rejects.toMatchObject(corrupt)
    expect(await releases.live([])).toEqual([])
  })
})

describe('hosts and routes', () => {
  const backends = ['http://172.31.0.2:5000', 'http://172.31.0.3:5000']

  test('a switch puts app, releases, config and routes in place at once', async () => {
    const { apps, releases, routes, switchTo } = state.store
    const blog = app('blog')
    await apps.create(blog)
    await releases.create({ ...blog, lastRelease: 2 }, release(2))
    const version = await switchTo({
      app: { ...blog, currentRelease: 2, lastRelease: 2 },
      releases: [release(2, { status: 'active' }), release(1, { status: 'superseded' })],
      routes: [{ host: 'blog.paas.test', identifier: 'blog', backends }],
      config: { A: 'sealed' },
    })
    expect(version).toBeGreaterThan(0)
    expect((await apps.get(blog.id))?.currentRelease).toBe(2)
    expect((await releases.list(blog.id)).map(({ status }) => status)).toEqual(['active', 'superseded'])
    expect(await apps.config(blog.id)).toEqual({ A: 'sealed' })
    // As Hipache has it, for whoever reads the keys.
    expect(await state.redis.lrange('frontend:blog.paas.test', 0, -1)).toEqual(['blog', ...backends])
    expect(await routes.get('blog.paas.test')).toEqual({
      host: 'blog.paas.test',
      identifier: 'blog',
      backends,
    })
  })

  test('a new name frees the old one, and routes follow', async () => {
    const { apps, routes, changeHosts } = state.store
    const blog = app('blog')
    await apps.create(blog)
    await routes.set({ set: [{ host: 'blog.paas.test', identifier: 'blog', backends }], remove: [] })
    const journal = App.parse({ ...blog, name: 'journal' })
    await changeHosts({
      app: journal,
      oldName: blog.name,
      routes: {
        set: [{ host: 'journal.paas.test', identifier: 'journal', backends }],
        remove: ['blog.paas.test'],
      },
    })
    expect(await apps.find(blog.name)).toBeUndefined()
    expect(await apps.find(journal.name)).toEqual(journal)
    expect((await routes.all()).map(({ host }) => host)).toEqual(['journal.paas.test'])
  })

  test('a backend that is gone is taken out of its hosts, with the marks of its place', async () => {
    const { routes } = state.store
    const hosts = ['a.paas.test', 'b.paas.test']
    await routes.set({ set: hosts.map((host) => ({ host, identifier: 'a', backends })), remove: [] })
    await state.redis.sadd('dead:a.paas.test', '1')
    await routes.eject(hosts, backends[0]!)
    expect((await routes.all()).map((route) => route.backends)).toEqual([[backends[1]], [backends[1]]])
    expect(await state.redis.exists('dead:a.paas.test')).toBe(0)
  })

  test('a change is applied at once where no router runs', async () => {
    const version = await state.store.routes.set({ set: [], remove: ['none.paas.test'] })
    expect(await state.store.routes.awaitApplied(version)).toMatchObject({ workers: 0, applied: true })
  })
})

describe('outages', () => {
  test('what was acknowledged survives kill -9, and the connection comes back by itself', async () => {
    const { apps } = state.store
    const blogs = Array.from({ length: 50 }, (_, i) => app(`blog-${i}`))
    await Promise.all(blogs.map((blog) => apps.create(blog)))
    await state.kill()
    await expect(apps.list()).rejects.toMatchObject({ code: 'STATE_UNREACHABLE' })
    await state.start()
    expect(await apps.list()).toHaveLength(50)
  })

  test('a Redis that hangs fails a command within three seconds, and works when it goes on', async () => {
    state.freeze()
    const began = performance.now()
    await expect(state.store.apps.list()).rejects.toMatchObject({ code: 'STATE_UNREACHABLE' })
    expect(performance.now() - began).toBeLessThan(6000)
    state.thaw()
    await sleep(50)
    expect(await state.store.apps.list()).toEqual([])
  })
})

test('a secret is nowhere on the disk', async () => {
  const { apps, secrets } = state.store
  const blog = app('blog')
  await apps.saveConfig(blog.id, { CANARY: secrets.seal(blog.id, 'CANARY', 'canary-4f3a9c') })
  const bytes = await state.bytesOnDisk()
  expect(bytes.includes('CANARY')).toBe(true)
  expect(bytes.includes('canary-4f3a9c')).toBe(false)
})

test('Redis says how it is', async () => {
  expect(await state.store.health()).toMatchObject({ durable: true, problem: undefined })
  expect((await state.store.health()).version).toMatch(/^\d+\.\d+\.\d+$/)
  await expect(state.redis.config('SET', 'appendfsync', 'no')).rejects.toThrow(/NOPERM/)
})

test('events are kept in order, the newest first to be asked for, and at most so many', async () => {
  const { events } = state.store
  expect(await events.last(10)).toEqual([])
  for (let n = 0; n < 3; n++) await events.add('backup-failed', { n, of: 'db1', why: 'é "x"' })
  const found = await events.last(2)
  expect(found.map(({ name, facts }) => [name, facts['n']])).toEqual([
    ['backup-failed', 1],
    ['backup-failed', 2],
  ])
  expect(found[0]!.facts).toEqual({ n: 1, of: 'db1', why: 'é "x"' })
  expect(Math.abs(Date.now() - Date.parse(found[0]!.at))).toBeLessThan(60_000)
})

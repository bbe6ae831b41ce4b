import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type FedHost } from '../../../src/store/route-feed.ts'
import { createRouteTable } from '../../../src/router/table/route-table.ts'
import { createSync } from '../../../src/router/table/sync.ts'

const fedHost = (host: string, list: string[] | undefined): FedHost => ({
  host,
  list,
  dead: [],
  deadMs: Infinity,
  options: {},
  healthcheck: {},
})

/** A sync in front of a map in the place of Redis, whose first page is given out only when the test says so. */
function rig(redis: Map<string, string[]>, options: Record<string, string> = {}) {
  const table = createRouteTable(
    () => undefined,
    () => undefined,
  )
  let goOn: () => void = () => undefined
  const paused = new Promise<void>((resolve) => (goOn = resolve))
  let applied: (version: number) => void = () => undefined
  const sync = createSync(
    {
      version: async () => 1,
      async *routes() {
        yield [...redis].map(([host, list]) => ({ host, list }))
        await paused
      },
      hosts: async (hosts) => hosts.map((host) => ({ ...fedHost(host, redis.get(host) ?? []), options })),
    },
    table,
    'least',
    {
      applied: (version) => applied(version),
      healthcheck: () => undefined,
      changed: () => undefined,
      problem: (message) => expect.fail(message),
    },
  )
  const reached = (version: number): Promise<void> =>
    new Promise((resolve) => {
      applied = (now) => {
        if (now >= version) resolve()
      }
    })
  return { table, sync, goOn, reached }
}

test('what changes while everything is read for the first time is not lost', async () => {
  const redis = new Map([['a.test', ['a', 'http://10.0.0.1:80']]])
  const { table, sync, goOn, reached } = rig(redis)
  const done = reached(2)
  sync.wantFull()
  await new Promise((resolve) => setImmediate(resolve))
  redis.set('a.test', ['a', 'http://10.0.0.2:80'])
  sync.changed(['a.test'], 2)
  goOn()
  await done
  expect(table.get('a.test')?.urls).toEqual(['http://10.0.0.2:80'])
})

test('a route whose list and options are as before stays what it is', async () => {
  const redis = new Map([['a.test', ['a', 'http://10.0.0.1:80', 'http://10.0.0.2:80']]])
  const options = { sticky: 'on' }
  const { table, sync, goOn, reached } = rig(redis, options)
  goOn()
  let done = reached(1)
  sync.wantFull()
  await done
  sync.changed(['a.test'], 2)
  await reached(2)
  const route = table.get('a.test')
  expect(route?.options?.sticky).toBe(true)
  done = reached(3)
  sync.changed(['a.test'], 3)
  await done
  expect(table.get('a.test')).toBe(route)
  options.sticky = 'off'
  done = reached(4)
  sync.changed(['a.test'], 4)
  await done
  expect(table.get('a.test')?.options?.sticky).toBe(false)
})

const hop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const names = ['a.test', 'b.test', 'c.test', 'd.test', 'e.test']

/**
 * A sync in front of a Redis that answers in the order it is asked, one answer a turn of the event loop, and whose
 * pages of two hosts are read ahead. `states` remembers every state of a host, with the version that made it.
 */
function line() {
  const states = new Map<string, { version: number; list: string[] }[]>()
  const redis = { version: 0, away: false, hold: Promise.resolve() }
  const applied: number[] = []
  const problems: string[] = []
  const table = createRouteTable(
    () => undefined,
    () => undefined,
  )
  const list = (host: string): string[] => states.get(host)?.at(-1)?.list ?? []
  let last: Promise<unknown> = Promise.resolve()
  function answer<T>(of: () => T): Promise<T> {
    const given = last.then(hop).then(() => {
      if (redis.away) throw new Error('away')
      return of()
    })
    last = given.catch(() => undefined)
    return given
  }
  const sync = createSync(
    {
      version: () => answer(() => redis.version),
      async *routes() {
        let coming: Promise<{ host: string; list: string[] }[]> | undefined
        for (let i = 0; i < names.length; i += 2) {
          const found = await answer(() => names.slice(i, i + 2).filter((host) => list(host).length > 0))
          const page = answer(() => found.map((host) => ({ host, list: list(host) })))
          if (coming !== undefined) yield await coming
          await redis.hold
          coming = page
        }
        if (coming !== undefined) yield await coming
      },
      hosts: (hosts) => answer(() => hosts.map((host) => fedHost(host, list(host)))),
    },
    table,
    'least',
    {
      applied: (version) => applied.push(version),
      healthcheck: () => undefined,
      changed: () => undefined,
      problem: (message) => problems.push(message),
    },
  )
  return {
    redis,
    states,
    table,
    sync,
    applied,
    problems,
    list,
    urls: (host: string): readonly string[] | undefined => table.get(host)?.urls,
    /** Without a version of its own when that is Infinity. */
    put: (host: string, urls: string[], version = redis.version): void => {
      const state = { version, list: urls.length > 0 ? ['app', ...urls] : [] }
      states.set(host, [...(states.get(host) ?? []), state])
    },
    /** Lets everything that is under way end. */
    rest: async (): Promise<void> => {
      for (let i = 0; i < 100; i += 1) await hop()
    },
    /** From now on a full reading stops after its first page, whose values are as old as that. */
    pause: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      redis.hold = promise
      return resolve
    },
  }
}

async function loadedLine() {
  const made = line()
  for (const name of names) made.put(name, ['http://10.0.0.1:1'])
  made.redis.version = 1
  made.sync.wantFull()
  await made.rest()
  expect(made.applied).toEqual([1])
  const goOn = made.pause()
  made.sync.wantFull()
  await made.rest()
  return { ...made, goOn }
}

test('a change is in the table, and said to be, while everything is read, and older pages do not undo it', async () => {
  const { redis, sync, put, urls, applied, rest, pause, goOn } = await loadedLine()
  redis.version = 2
  put('a.test', ['http://10.0.0.2:1'])
  put('e.test', [])
  sync.changed(['a.test', 'e.test'], 2)
  await rest()
  expect([urls('a.test'), urls('e.test'), applied]).toEqual([['http://10.0.0.2:1'], undefined, [1, 2]])
  goOn()
  await rest()
  expect([urls('a.test'), urls('e.test'), applied]).toEqual([['http://10.0.0.2:1'], undefined, [1, 2, 2]])
  // One that is told of before the reading has begun.
  const goOnAgain = pause()
  sync.wantFull()
  redis.version = 3
  put('e.test', ['http://10.0.0.3:1'])
  sync.changed(['e.test'], 3)
  await rest()
  expect([urls('e.test'), applied.at(-1)]).toEqual([['http://10.0.0.3:1'], 3])
  goOnAgain()
})

test('a host that is made anew while everything is read stays', async () => {
  const { sync, put, urls, goOn } = await loadedLine()
  put('e.test', [])
  goOn()
  // Its page is asked for in the next turns, and it comes back after that.
  for (let i = 0; i < 4; i += 1) await hop()
  put('e.test', ['http://10.0.0.2:1'])
  sync.changed(['e.test'], undefined)
  for (let i = 0; i < 100; i += 1) {
    expect(urls('e.test')).toBeDefined()
    await hop()
  }
  expect(urls('e.test')).toEqual(['http://10.0.0.2:1'])
})

test('a change after one of which nothing was heard is in the table, and said to be once everything is read', async () => {
  const { redis, sync, put, urls, applied, rest, goOn } = await loadedLine()
  redis.version = 2
  put('a.test', ['http://10.0.0.2:1'])
  redis.version = 3
  put('b.test', ['http://10.0.0.3:1'])
  sync.changed(['b.test'], 3)
  await rest()
  expect([urls('b.test'), applied]).toEqual([['http://10.0.0.3:1'], [1]])
  goOn()
  await rest()
  expect([urls('a.test'), applied]).toEqual([['http://10.0.0.2:1'], [1, 1, 3]])
})

test('of a Redis that was set back no version is said until all of it is read', async () => {
  const { redis, sync, put, urls, applied, rest, pause, goOn } = await loadedLine()
  redis.version = 9
  sync.wantFull()
  goOn()
  await rest()
  expect([sync.version, sync.settled]).toEqual([9, true])
  const goOnAgain = pause()
  redis.version = 3
  put('e.test', ['http://10.0.0.3:1'])
  sync.wantFull()
  await rest()
  expect([sync.version, sync.settled]).toEqual([0, false])
  redis.version = 4
  put('a.test', ['http://10.0.0.4:1'])
  sync.changed(['a.test'], 4)
  await rest()
  expect([urls('a.test'), sync.version, applied]).toEqual([['http://10.0.0.4:1'], 0, [1, 1, 9, 0]])
  goOnAgain()
  await rest()
  expect([urls('e.test'), applied]).toEqual([['http://10.0.0.3:1'], [1, 1, 9, 0, 4]])
  expect(sync.settled).toBe(true)
})

test('a Redis that loses its data while it is read after it was set back takes no route away', async () => {
  const { redis, sync, states, urls, problems, rest, pause, goOn } = await loadedLine()
  redis.version = 9
  sync.wantFull()
  goOn()
  await rest()
  const goOnAgain = pause()
  redis.version = 3
  sync.wantFull()
  await rest()
  redis.away = true
  goOnAgain()
  await rest()
  expect(sync.version).toBe(0)
  states.clear()
  redis.version = 0
  redis.away = false
  sync.tick(performance.now())
  await rest()
  expect(urls('a.test')).toEqual(['http://10.0.0.1:1'])
  expect(problems.join()).toContain('lost its data')
})

test('a host that is told of while Redis has lost its data stays', async () => {
  const { redis, sync, states, urls, problems, rest, goOn } = await loadedLine()
  goOn()
  await rest()
  states.clear()
  redis.version = 0
  sync.wantFull()
  sync.changed(['a.test'], undefined)
  await rest()
  // A worker that starts with a snapshot waits for nothing more from it.
  expect(sync.behind).toBe(false)
  sync.changed(['b.test'], undefined)
  sync.tick(performance.now())
  await rest()
  expect([urls('a.test'), urls('b.test')]).toEqual([['http://10.0.0.1:1'], ['http://10.0.0.1:1']])
  expect(problems.join()).toContain('lost its data')
})

test('what a Redis that has lost its data is given then is taken in', async () => {
  const { redis, sync, states, urls, put, rest, problems, goOn } = await loadedLine()
  goOn()
  await rest()
  states.clear()
  redis.version = 0
  sync.wantFull()
  await rest()
  put('a.test', ['http://10.0.0.9:1'])
  sync.changed(['a.test'], undefined)
  await rest()
  expect([urls('a.test'), urls('b.test')]).toEqual([['http://10.0.0.9:1'], ['http://10.0.0.1:1']])
  put('e.test', ['http://10.0.0.9:2'])
  sync.wantFull()
  await rest()
  expect([urls('e.test'), urls('b.test'), problems.length]).toEqual([
    ['http://10.0.0.9:2'],
    ['http://10.0.0.1:1'],
    1,
  ])
  // With a version it is one that was set back.
  redis.version = 1
  sync.changed(['a.test'], 1)
  await rest()
  expect([urls('a.test'), urls('b.test')]).toEqual([['http://10.0.0.9:1'], undefined])
  expect(sync.settled).toBe(true)
})

test('a Redis that loses its data while it is read, or before a mark is, takes no route away', async () => {
  for (const isFull of [true, false]) {
    const { redis, sync, states, urls, rest, problems, goOn } = await loadedLine()
    if (!isFull) goOn()
    await rest()
    states.clear()
    redis.version = 0
    if (isFull) goOn()
    else sync.changed(['a.test'], undefined)
    await rest()
    for (const name of names) expect(urls(name)).toEqual(['http://10.0.0.1:1'])
    expect(problems).toHaveLength(1)
  }
})

test('who may not listen for changes reads all the same', async () => {
  const { sync, put, urls, rest } = line()
  put('a.test', ['http://10.0.0.1:1'])
  sync.tick(performance.now())
  await rest()
  expect([urls('a.test'), sync.loaded]).toEqual([['http://10.0.0.1:1'], true])
})

test('a version that goes back is noticed though none has been read', async () => {
  const { redis, sync, put, urls, rest, goOn } = await loadedLine()
  goOn()
  await rest()
  for (let version = 2; version <= 6; version += 1) sync.changed([], version)
  redis.version = 4
  put('d.test', ['http://10.0.0.4:1'])
  sync.changed(['a.test'], 4)
  await rest()
  expect([urls('d.test'), sync.version]).toEqual([['http://10.0.0.4:1'], 4])
})

test('a change that could not be read is made good', async () => {
  const { redis, sync, put, urls, applied, problems, rest, goOn } = await loadedLine()
  goOn()
  await rest()
  redis.away = true
  redis.version = 2
  put('a.test', ['http://10.0.0.2:1'])
  sync.changed(['a.test'], 2)
  await rest()
  redis.away = false
  expect([urls('a.test'), applied, problems.length]).toEqual([['http://10.0.0.1:1'], [1, 1], 1])
  sync.tick(performance.now())
  await rest()
  expect([urls('a.test'), applied]).toEqual([['http://10.0.0.2:1'], [1, 1, 2]])
})

test('whatever happens in whatever order, no version is said to be there before its changes, and all get there', async () => {
  const step = fc.record({
    host: fc.constantFrom(...names),
    other: fc.constantFrom(...names),
    kind: fc.constantFrom('set', 'set', 'remove', 'anew', 'lost', 'full'),
    turns: fc.nat(6),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { redis, sync, states, table, list, put, applied, rest, problems } = line()
      let url = 0
      function checkSaid(): void {
        for (const [host, all] of states) {
          const due = all.findLastIndex((state) => state.version <= sync.version)
          const possible = all.slice(Math.max(due, 0)).map((state) => state.list.slice(1))
          if (due < 0) possible.push([])
          expect(possible).toContainEqual(table.get(host)?.urls ?? [])
        }
      }
      async function turns(count: number): Promise<void> {
        for (let i = 0; i < count; i += 1) {
          await hop()
          if (sync.loaded) checkSaid()
        }
      }
      sync.wantFull()
      for (const { host, other, kind, turns: count } of [
        ...steps,
        // The last one is heard of, and tells of those that were not.
        { host: 'a.test', other: 'b.test', kind: 'set', turns: 0 },
      ]) {
        url += 1
        if (kind === 'full') sync.wantFull()
        else if (kind === 'anew') {
          put(host, [], Infinity)
          sync.changed([host], undefined)
          await turns(count)
          put(host, [`http://10.0.0.1:${url}`], Infinity)
          sync.changed([host], undefined)
        } else {
          redis.version += 1
          put(host, kind === 'remove' ? [] : [`http://10.0.0.1:${url}`])
          if (other !== host) put(other, [`http://10.0.0.2:${url}`])
          if (kind !== 'lost') sync.changed([host, other], redis.version)
        }
        await turns(count)
      }
      await rest()
      checkSaid()
      expect(applied.at(-1)).toBe(redis.version)
      for (const name of names) expect(table.get(name)?.urls ?? []).toEqual(list(name).slice(1))
      expect(problems).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('nor of one that was set back to its very beginning', async () => {
  const { redis, sync, put, applied, rest, pause, goOn } = await loadedLine()
  redis.version = 5
  sync.wantFull()
  goOn()
  await rest()
  const goOnAgain = pause()
  redis.version = 0
  put('a.test', ['http://10.0.0.4:1'], 1)
  redis.version = 1
  sync.changed(['a.test'], 1)
  await rest()
  expect([sync.version, sync.settled, applied.at(-1)]).toEqual([0, false, 0])
  goOnAgain()
  await rest()
  expect([sync.version, sync.settled, applied.at(-1)]).toEqual([1, true, 1])
})

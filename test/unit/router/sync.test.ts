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
      extras: async () => new Set<string>(),
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

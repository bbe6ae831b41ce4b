import { expect, test } from 'vitest'
import { AppId } from '../../../src/model/names.ts'
import { withRoutes } from '../../../src/recovery/routes.ts'
import { type StateRecord } from '../../../src/store/dump.ts'

const id = AppId.parse('a00000000000000a')
const app: StateRecord = {
  key: `paas:app:${id}`,
  type: 'string',
  value: JSON.stringify({
    ...{ id, name: 'blog', createdAt: '2026-11-20T12:00:00.000Z' },
    ...{ formation: {}, domains: ['blog.org'], lastRelease: 0 },
  }),
}
const route = (host: string, ...value: string[]): StateRecord => ({
  key: `frontend:${host}`,
  type: 'list',
  value,
})
const version = (value: string): StateRecord => ({ key: 'paas:route:version', type: 'string', value })
const [old, now, strange] = ['http://10.0.0.2:5000', 'http://10.0.0.9:5000', 'http://10.0.0.7:5000']
const running = (...addresses: string[]) => new Map([[id, new Set(addresses)]])

const backup = [
  app,
  route('blog.then', 'blog', old, strange),
  route('blog.org', 'blog', old),
  route('by.hand', 'me', strange),
  version('7'),
]

test('an app that runs here keeps the route that it has', () => {
  const here = [route('blog.then', 'blog', now), route('by.hand', 'me', now), version('9')]
  expect(withRoutes(backup, here, { then: 'then', here: 'then', running: running('10.0.0.9') })).toEqual([
    app,
    route('by.hand', 'me', strange),
    route('blog.then', 'blog', now),
    version('9'),
  ])
})

test('where the state is lost, routes come back with what still runs, and never with an address of another', () => {
  expect(withRoutes(backup, [], { then: 'then', here: 'then', running: running('10.0.0.2') })).toEqual([
    app,
    route('by.hand', 'me', strange),
    route('blog.then', 'blog', old),
    route('blog.org', 'blog', old),
    version('7'),
  ])
})

test('on another server no route of an app comes along', () => {
  for (const here of ['then', 'elsewhere'])
    expect(withRoutes(backup, [], { then: 'then', here, running: new Map() })).toEqual([
      app,
      route('by.hand', 'me', strange),
      version('7'),
    ])
})

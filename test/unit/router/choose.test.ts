import { expect, test } from 'vitest'
import { backendAddress } from '../../../src/model/backend-address.ts'
import { Backend } from '../../../src/router/forward/backend.ts'
import { type BackendConnection } from '../../../src/router/forward/backend-connection.ts'
import { chooseBackend, lastResort, noBackend } from '../../../src/router/forward/choose.ts'
import { limits, shared } from './support/backend.ts'

function backend(inFlight = 0): Backend {
  const made = new Backend('http://b:1', { host: 'b', port: 1, tls: false }, limits, shared)
  made.inFlight = inFlight
  return made
}
const options = { balance: 'least' as const, weights: [] as number[], sticky: false, maxInFlight: undefined }

test('the least loaded, chance deciding between equals', () => {
  expect(chooseBackend('app.test', [backend(3), backend(1), backend(2)], undefined, undefined, [])).toBe(1)
  const counts = [0, 0, 0]
  for (let i = 0; i < 3000; i += 1) {
    const index = chooseBackend('app.test', [backend(), backend(), backend()], undefined, undefined, [])
    counts[index] = (counts[index] ?? 0) + 1
  }
  for (const count of counts) expect(count).toBeGreaterThan(800)
})

test('dead, ejected, invalid and tried ones', () => {
  const out = backend()
  out.unresponsiveTo('app.test', 'hang')
  expect(chooseBackend('app.test', [backend(), backend(9)], undefined, new Set([0]), [])).toBe(1)
  expect(chooseBackend('app.test', [out, backend(9)], undefined, undefined, [])).toBe(1)
  expect(chooseBackend('app.test', [out], undefined, undefined, [])).toBe(noBackend.ejected)
  // Who leaves the requests of one host unanswered may answer those of others.
  expect(chooseBackend('other.test', [out], undefined, undefined, [])).toBe(0)
  const refused = backend()
  refused.unreachable = 'refused'
  expect(chooseBackend('app.test', [refused, backend(9)], undefined, undefined, [])).toBe(1)
  expect(chooseBackend('app.test', [refused], undefined, undefined, [0])).toBe(noBackend.ejected)
  expect(chooseBackend('app.test', [undefined], undefined, undefined, [])).toBe(noBackend.invalid)
  expect(chooseBackend('app.test', [], undefined, undefined, [])).toBe(noBackend.none)
  expect(chooseBackend('app.test', [backend()], undefined, new Set([0]), [])).toBe(noBackend.none)
  expect(chooseBackend('app.test', [backend(), backend(5)], undefined, undefined, [0])).toBe(1)
  expect(chooseBackend('app.test', [backend()], undefined, undefined, [0])).toBe(0)
})

test('weights share by their ratio, both ways', () => {
  const weighted = { ...options, weights: [3, 1] }
  expect(chooseBackend('app.test', [backend(2), backend(1)], weighted, undefined, [])).toBe(0)
  expect(chooseBackend('app.test', [backend(4), backend(1)], weighted, undefined, [])).toBe(1)
  // Also where nothing is in flight, as between requests that come one after another.
  for (const balance of ['random', 'least'] as const) {
    let first = 0
    for (let i = 0; i < 4000; i += 1) {
      if (chooseBackend('app.test', [backend(), backend()], { ...weighted, balance }, undefined, []) === 0)
        first += 1
    }
    expect(first / 4000).toBeGreaterThan(0.7)
    expect(first / 4000).toBeLessThan(0.8)
  }
  expect(
    chooseBackend('app.test', [backend(9), backend()], { ...options, weights: [1, 0] }, undefined, []),
  ).toBe(0)
})

test('who would have to wait goes elsewhere, by load or by chance', () => {
  const full = backend()
  full.active = 2
  const others = backend(100)
  const waiting = {
    asked: { host: 'app.test' },
    maxInFlight: undefined,
    proceed: () => undefined,
    moveOn: () => undefined,
  }
  for (const balance of ['least', 'random'] as const) {
    for (let i = 0; i < 20; i += 1) {
      const weighted = { ...options, balance, weights: [100, 1] }
      expect(chooseBackend('app.test', [full, others], weighted, undefined, [])).toBe(1)
    }
  }
  // A host's own cap counts; and of those at their cap it is the least loaded.
  expect(chooseBackend('app.test', [full, others], { ...options, maxInFlight: 3 }, undefined, [])).toBe(0)
  others.enter(waiting)
  others.enter(waiting)
  expect(chooseBackend('app.test', [others, full], undefined, undefined, [])).toBe(1)
})

test('of those that are out who is quick comes first, and who hangs is given one request at a time', () => {
  const out = (why: 'hang' | 'close', load: number): Backend => {
    const made = backend(load)
    made.unresponsiveTo('app.test', why)
    return made
  }
  const refused = (load: number): Backend => Object.assign(backend(load), { unreachable: 'refused' })
  const hangs = out('hang', 0)
  const choose = (...backends: Backend[]): number => {
    const all = new Set(backends.keys())
    // Marked or not: who is out has been found out here.
    for (const dead of [undefined, all])
      expect(chooseBackend('app.test', backends, undefined, dead, [])).toBe(noBackend.ejected)
    // Unless somebody watches over them.
    expect(lastResort('app.test', backends, undefined, all, [])).toBe(noBackend.ejected)
    return lastResort('app.test', backends, undefined, undefined, [])
  }
  expect(choose(hangs, refused(3), out('close', 9), out('close', 8))).toBe(3)
  expect(choose(hangs, refused(3), refused(2))).toBe(2)
  expect(choose(hangs)).toBe(noBackend.ejected)
  hangs.letOneTry('app.test')
  expect(choose(hangs, refused(9))).toBe(1)
  expect(choose(hangs)).toBe(0)
  hangs.enter({
    asked: { host: 'app.test' },
    maxInFlight: undefined,
    proceed: () => undefined,
    moveOn: () => undefined,
  })
  expect(choose(hangs)).toBe(noBackend.ejected)
})

test('a turn, a place in the queue, a refusal', () => {
  const one = backend()
  const proceeded: string[] = []
  const waiting = (name: string, host = 'app.test', maxInFlight?: number) => ({
    asked: { host },
    maxInFlight,
    proceed: () => void proceeded.push(name),
    moveOn: () => void proceeded.push(`${name} moves on`),
  })
  expect([
    one.enter(waiting('a')),
    one.enter(waiting('b')),
    one.enter(waiting('c')),
    one.enter(waiting('d')),
  ]).toEqual([true, true, false, undefined])
  one.leave()
  expect(proceeded).toEqual(['c'])
  expect(one.active).toBe(2)
  one.enter(waiting('e'))
  one.unresponsiveTo('app.test', 'hang')
  one.dissolveQueue((host) => one.ejectedFor(host) !== undefined)
  expect(proceeded).toEqual(['c', 'e moves on'])
  one.enter(waiting('f', 'other.test'))
  one.dissolveQueue((host) => one.ejectedFor(host) !== undefined)
  // Who goes on with a request that is there already is one too many, and nobody follows it.
  one.enterAgain()
  one.leave()
  expect([one.active, one.queued]).toEqual([2, 1])
  one.leave()
  expect(proceeded).toEqual(['c', 'e moves on', 'f'])
  one.leave()
  one.leave()
  expect(one.active).toBe(0)

  // Nobody waits for one who may have less.
  const roomy = new Backend(
    'http://b:1',
    { host: 'b', port: 1, tls: false },
    { ...limits, maxQueue: 2 },
    shared,
  )
  roomy.enter(waiting('i'))
  roomy.enter(waiting('j'))
  const small = waiting('small', 'small.test', 1)
  roomy.enter(small, small.maxInFlight)
  roomy.enter(waiting('large'))
  roomy.leave()
  expect(proceeded.at(-1)).toBe('large')
  roomy.leave()
  roomy.leave()
  expect(proceeded.at(-1)).toBe('small')

  // Who may have more meanwhile does not wait for what it was allowed before.
  const patient = waiting('patient', 'small.test', 1)
  roomy.enter(patient, patient.maxInFlight)
  roomy.enter(waiting('k'))
  patient.maxInFlight = 9
  roomy.leave()
  expect(proceeded.at(-1)).toBe('patient')
})

test.each([
  ['http://10.0.0.1:5000', { host: '10.0.0.1', port: 5000, tls: false }],
  ['http://10.0.0.1:5000/', { host: '10.0.0.1', port: 5000, tls: false }],
  ['http://user:pw@host/path?x=1', { host: 'host', port: 80, tls: false }],
  ['https://host', { host: 'host', port: 443, tls: true }],
  ['HTTP://Host:81', { host: 'Host', port: 81, tls: false }],
  ['http://[::1]:80', { host: '::1', port: 80, tls: false }],
  ['127.0.0.1:9000', { host: '127.0.0.1', port: 9000, tls: false }],
  ['tcp://10.0.0.1:8000', { host: '10.0.0.1', port: 8000, tls: false }],
  ['udp://host', { host: 'host', port: 80, tls: false }],
  ['', undefined],
  ['foo', undefined],
  ['http://', undefined],
  ['//h:1', undefined],
  ['unix:/x', undefined],
  ['http://h:99999', undefined],
])('backend URL %s', (url, address) => {
  expect(backendAddress(url)).toEqual(address)
})

test('idle connections are counted for as long as they are kept, and there are no more than may be', () => {
  const idle = { count: 0, most: 3 }
  const one = new Backend(
    'http://b:1',
    { host: 'b', port: 1, tls: false },
    { ...limits, maxIdle: 9 },
    { ...shared, idle },
  )
  const connection = (): BackendConnection =>
    ({
      gone: false,
      idleSince: 0,
      idleUntil: Infinity,
      destroy: () => undefined,
    }) as unknown as BackendConnection
  one.routes = 1
  const [first, second, third] = [connection(), connection(), connection()]
  expect([first, second, third, connection()].map((made) => one.keep(made))).toEqual([
    true,
    true,
    true,
    false,
  ])
  expect([idle.count, one.idleConnections]).toEqual([3, 3])
  // Taken, closed by its backend, closed as too old for what cannot be repeated.
  expect(one.connection(true, 0)).toBe(third)
  expect([idle.count, one.idleConnections]).toEqual([2, 2])
  one.gone(second)
  expect([idle.count, one.idleConnections]).toEqual([1, 1])
  one.connection(false, first.idleSince + 60_000).destroy()
  expect([idle.count, one.idleConnections]).toEqual([0, 0])
  // Too old for anybody, and those of a backend that is in no route any more.
  const expired = connection()
  one.keep(expired)
  expired.idleUntil = 0
  one.connection(true, 1).destroy()
  expect([idle.count, one.idleConnections]).toEqual([0, 0])
  for (const made of [connection(), connection()]) one.keep(made)
  one.routes = 0
  one.sweep(performance.now())
  expect([idle.count, one.idleConnections]).toEqual([0, 0])
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { never } from '../../../src/router/forward/plane.ts'
import { createStatsCollection } from '../../../src/router/observe/collection.ts'
import { prometheusText } from '../../../src/router/observe/prometheus.ts'
import { createStatsCounter, joined, mergeStats, type StatsPart } from '../../../src/router/observe/stats.ts'
import { sharing } from '../../../src/router/sharing.ts'
import { TableRoute } from '../../../src/router/table/route-table.ts'
import { dueOf } from '../../../src/router/forward/patience.ts'
import { parseProxyHeader, trustedPeers } from '../../../src/router/client/proxy-protocol.ts'
import { accessLines } from '../../../src/router/observe/access-log.ts'
import { bucketOf, observe, quantile, upperMs } from '../../../src/router/observe/histogram.ts'
import { defaultTimeouts } from '../../../src/router/settings.ts'

test('quantiles are at most 19 % too high', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.1, max: 10_000, noNaN: true }), { minLength: 1 }), (values) => {
      const histogram: number[] = []
      for (const value of values) observe(histogram, bucketOf(value))
      const sorted = values.toSorted((x, y) => x - y)
      for (const q of [0.5, 0.95, 0.99]) {
        const exact = sorted[Math.ceil(values.length * q) - 1]!
        const estimate = quantile(histogram, q)!
        expect(estimate).toBeGreaterThanOrEqual(exact * 0.999)
        expect(estimate).toBeLessThanOrEqual(exact * 1.2)
      }
    }),
  )
  expect(quantile([], 0.5)).toBeUndefined()
})

test('a duration is in the bucket whose bounds it is between', () => {
  const last = bucketOf(Infinity)
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (ms) => {
      const bucket = bucketOf(ms)
      if (bucket < last) expect(ms).toBeLessThanOrEqual(upperMs(bucket) * 1.000001)
      if (bucket > 0) expect(ms).toBeGreaterThanOrEqual(upperMs(bucket - 1) * 0.999999)
    }),
  )
})

test('a log entry has the bytes of an identifier, whatever characters they are of', () => {
  const identifier = 'café €"x\\y'
  const line = accessLines()(
    {
      address: '10.0.0.1',
      asked: { method: 'GET', target: '/', minor: 1, host: 'h', referer: '', userAgent: '' },
      route: new TableRoute('h', [identifier], undefined),
      backend: undefined,
      status: 200,
      bytesSent: 5,
      startedAt: 0,
      backendStartedAt: never,
      finishedAt: 1,
    },
    'T',
  )
  expect(line).toContain(String.raw`"caf\xC3\xA9 \xE2\x82\xAC\x22x\x5Cy"`)
})

test('whatever a client sends, its access log entry is one line with one shape', () => {
  const lineOf = accessLines()
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (referer, userAgent) => {
      const finished = {
        address: '10.0.0.1',
        asked: { method: 'GET', target: '/"', minor: 1, host: 'h', referer, userAgent },
        route: undefined,
        backend: undefined,
        status: 200,
        bytesSent: 5,
        startedAt: 0,
        backendStartedAt: never,
        finishedAt: 11.4,
      }
      const line = lineOf(finished, 'T')
      // What is remembered of the line before makes no difference.
      expect(line).toBe(accessLines()(finished, 'T'))
      expect(line).toMatch(
        /^::ffff:10\.0\.0\.1 - - \[T\] "GET \/\\x22 HTTP\/1\.1" 200 5 "[^"\n\r]*" "[^"\n\r]*" "" 0\.011 0\n$/,
      )
    }),
  )
})

test('PROXY protocol: every prefix is incomplete, never wrong', () => {
  const headers = [
    Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n'),
    Buffer.from('PROXY TCP6 ::1 ::2 1 2\r\n'),
    Buffer.from('PROXY UNKNOWN\r\n'),
    Buffer.from('0d0a0d0a000d0a515549540a2111000ccb00710a0a00000103e80050', 'hex'),
  ]
  for (const header of headers) {
    for (let i = 1; i < header.length; i += 1) {
      expect(parseProxyHeader(header, 0, i)).toMatchObject({ length: 0 })
    }
    expect(parseProxyHeader(header, 0, header.length)).toMatchObject({ length: header.length })
  }
  for (const wrong of ['PROXY TCP4 ::1 ::1 1 2\r\n', 'PROXY TCP4 1.2.3.4\r\n', `PROXY ${'x'.repeat(200)}`]) {
    expect(parseProxyHeader(Buffer.from(wrong), 0, wrong.length)).toBeUndefined()
  }
})

test('trusted peers', () => {
  const trusts = trustedPeers(['10.0.0.0/8', 'fd00::/8', '192.0.2.1'])
  expect([trusts('10.9.8.7'), trusts('fd12::1'), trusts('192.0.2.1')]).toEqual([true, true, true])
  expect([trusts('11.0.0.1'), trusts('::1'), trusts('192.0.2.2')]).toEqual([false, false, false])
  expect(() => trustedPeers(['example.com'])).toThrow()
})

test('what is due', () => {
  const at = {
    startedAt: 0,
    backendStartedAt: 0,
    progressAt: 0,
    queuedSince: never,
    connecting: false,
    status: 0,
    requestDone: true,
    awaitsContinue: false,
    congested: false,
  }
  expect(dueOf(at, defaultTimeouts, 4000)).toBeUndefined()
  expect(dueOf(at, defaultTimeouts, 6000)).toBe('suspect')
  expect(dueOf(at, defaultTimeouts, 31_000)).toBe('timeout')
  expect(dueOf({ ...at, connecting: true }, defaultTimeouts, 6000)).toBe('connectTimeout')
  expect(dueOf({ ...at, backendStartedAt: 5000, queuedSince: 0 }, defaultTimeouts, 6000)).toBe('tooMany')
  expect(dueOf({ ...at, status: 200 }, defaultTimeouts, 59_000)).toBeUndefined()
  expect(dueOf({ ...at, status: 200 }, defaultTimeouts, 61_000)).toBe('slow')
  expect(dueOf({ ...at, requestDone: false }, defaultTimeouts, 61_000)).toBe('clientLate')
  expect(dueOf({ ...at, requestDone: false, congested: true }, defaultTimeouts, 61_000)).toBe('timeout')
  // Nobody can be late with what has not been asked for.
  const strict = { ...at, requestDone: false, awaitsContinue: true }
  expect(dueOf(strict, defaultTimeouts, 6000)).toBe('suspect')
  expect(dueOf(strict, defaultTimeouts, 31_000)).toBe('timeout')
  expect(dueOf({ ...strict, awaitsContinue: false }, defaultTimeouts, 31_000)).toBeUndefined()
  expect(dueOf(at, { ...defaultTimeouts, firstByte: 0 }, 1e9)).toBe('suspect')
  expect(dueOf(at, { ...defaultTimeouts, total: 1000 }, 2000)).toBe('slow')
})

test('of more hosts than anybody looks at the busiest are told of, and how many are not', () => {
  const counter = createStatsCounter()
  const finished = (host: string) => ({
    route: new TableRoute(host, ['app'], undefined),
    backend: undefined,
    startedAt: 0,
    backendStartedAt: 0,
    finishedAt: 1,
    status: 200,
    bytesSent: 1,
  })
  const count = (host: string): void => counter.count(finished(host) as Parameters<typeof counter.count>[0])
  for (let i = 0; i < 1500; i += 1) count(`host-${i}.test`)
  for (let i = 0; i < 3; i += 1) count('host-1499.test')
  const told = JSON.parse(JSON.stringify(counter.read())) as ReturnType<typeof counter.read>
  const text = prometheusText(mergeStats([], told, []), [])
  expect(text.match(/^paas_router_requests_total\{/gm)).toHaveLength(1000)
  expect(text).toContain('paas_router_requests_total{host="host-1499.test",status="2xx"} 4\n')
  expect(text).toContain('paas_router_hosts_not_told 500\n')
  expect(text).toContain('paas_router_answers_total{status="2xx"} 1503\n')
})

test('who asks while an answer is being made gets the one after it, which is made once', async () => {
  let made = 0
  const ends: (() => void)[] = []
  const ask = sharing(async () => {
    made += 1
    const mine = made
    await new Promise<void>((resolve) => ends.push(resolve))
    if (mine === 3) throw new Error('failed')
    return mine
  })
  const first = ask()
  const others = [ask(), ask(), ask()]
  ends.shift()?.()
  expect(await first).toBe(1)
  await new Promise((resolve) => setImmediate(resolve))
  ends.shift()?.()
  expect(await Promise.all(others)).toEqual([2, 2, 2])
  const failing = ask()
  const next = ask()
  ends.shift()?.()
  await expect(failing).rejects.toThrow('failed')
  await new Promise((resolve) => setImmediate(resolve))
  ends.shift()?.()
  expect(await next).toBe(4)
})

test('a worker of an earlier version counts, though it does not say what it has forgotten', async () => {
  const counter = createStatsCounter()
  const asked: number[] = []
  const collection = createStatsCollection<string>((_worker, id) => asked.push(id))
  const collected = collection.collect(['old'])
  const about = { startedAt: '', version: 1, routes: 1, clients: 0, rssBytes: 0, ejected: {} }
  collection.told('old', asked[0]!, { ...about, ...counter.read() })
  const { living, ended, forgotten } = await collected
  expect(
    mergeStats(
      living.map(({ stats }) => stats),
      ended,
      forgotten,
    ).total.requests,
  ).toBe(0)
})

const finishedAt = (host: string, url: string) => ({
  route: new TableRoute(host, ['app'], undefined),
  backend: { url },
  startedAt: 0,
  backendStartedAt: 0,
  finishedAt: 1,
  status: 200,
  bytesSent: 1,
})

test('what is counted in parts is all there, once, with what is in flight', () => {
  const counter = createStatsCounter()
  const count = (i: number): void =>
    counter.count(
      finishedAt(`host-${i}.test`, `http://10.0.0.${i}:1`) as unknown as Parameters<typeof counter.count>[0],
    )
  for (let i = 0; i < 1700; i += 1) count(i)
  const inFlight = {
    hosts: new Map([
      ['host-3.test', { inFlight: 2 }],
      ['first.test', { inFlight: 1 }],
    ]),
    backends: new Map(Array.from({ length: 600 }, (_, i) => [`http://10.0.1.${i}:1`, { inFlight: i % 2 }])),
  }
  const parts = []
  for (const part of counter.parts(inFlight)) {
    parts.push(part)
    // What is finished meanwhile, and forgotten, is told of once or not at all.
    count(1)
    counter.forget({ hosts: ['host-1699.test'], backends: [] })
  }
  const sizes = parts.map(({ hosts, backends }) => Object.keys(hosts).length + Object.keys(backends).length)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(500)
  const { hosts, backends } = joined<StatsPart>({ hosts: {}, backends: {} }, parts)
  expect(sizes.reduce((sum, size) => sum + size)).toBe(
    Object.keys(hosts).length + Object.keys(backends).length,
  )
  expect(Object.keys(hosts)).toHaveLength(1700)
  expect(Object.keys(backends)).toHaveLength(2300)
  expect(hosts['host-3.test']).toMatchObject({ requests: 1, inFlight: 2 })
  expect(hosts['first.test']).toMatchObject({ requests: 0, inFlight: 1 })
  expect(backends['http://10.0.1.599:1']).toMatchObject({ requests: 0, inFlight: 1 })
})

test('an answer in parts counts when all of them are there', async () => {
  const asked: number[] = []
  const collection = createStatsCollection<string>((_worker, id) => asked.push(id))
  const counter = createStatsCounter()
  counter.count(finishedAt('a.test', 'http://10.0.0.1:1') as unknown as Parameters<typeof counter.count>[0])
  const { hosts, backends, total } = counter.read()
  const about = { startedAt: '', version: 1, routes: 1, clients: 0, rssBytes: 0, ejected: {}, total }
  const rest = { ...about, hosts: {}, backends: {} }
  const collect = async () => {
    const { living, ended, forgotten } = await collection.collect(['one'])
    return mergeStats(
      living.map(({ stats }) => stats),
      ended,
      forgotten,
    )
  }
  const collected = collect()
  collection.toldPart(asked[0]!, { hosts, backends: {} })
  collection.toldPart(asked[0]!, { hosts: {}, backends })
  collection.told('one', asked[0]!, rest)
  expect([...(await collected).hosts.keys()]).toEqual(['a.test'])
  // The end of an answer that nobody waits for any more takes nothing away.
  collection.toldPart(asked[0]!, { hosts, backends: {} })
  collection.told('one', asked[0]!, rest)
  collection.ended('one')
  const merged = mergeStats([], (await collection.collect([])).ended, [])
  expect([...merged.hosts.keys(), ...merged.backends.keys()]).toEqual(['a.test', 'http://10.0.0.1:1'])
})

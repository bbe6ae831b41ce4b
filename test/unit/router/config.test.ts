import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { instancePaths } from '../../../src/lib/paths.ts'
import { expect, test } from 'vitest'
import { listenAddress, routerSettings } from '../../../src/router/arguments.ts'
import { parseHipacheConfig } from '../../../src/router/hipache-config.ts'
import { parseRouteOptions } from '../../../src/router/table/route-options.ts'
import { parseRedisUrl } from '../../../src/store/redis-target.ts'

const read = (value: unknown): { settings: ReturnType<typeof parseHipacheConfig>; warnings: string[] } => {
  const warnings: string[] = []
  return { settings: parseHipacheConfig(value, (message) => warnings.push(message)), warnings }
}

test('a file of Hipache 0.2', () => {
  const { settings, warnings } = read({
    server: {
      accessLog: '/tmp/access.log',
      port: 8080,
      workers: 5,
      maxSockets: 100,
      deadBackendTTL: 45,
      tcpTimeout: 10,
      retryOnError: 2,
      deadBackendOn500: false,
      address: ['0.0.0.0'],
      address6: ['::1'],
      https: { port: 8443, key: '/k.pem', cert: '/c.pem' },
    },
    redisHost: '10.0.0.5',
    redisPort: 6380,
    redisDatabase: 3,
    redisPassword: 'secret',
  })
  expect(settings.listen.map(({ address, port, tls }) => [address, port, tls?.key])).toEqual([
    ['0.0.0.0', 8080, undefined],
    ['::1', 8080, undefined],
    ['0.0.0.0', 8443, '/k.pem'],
    ['::1', 8443, '/k.pem'],
  ])
  expect(settings).toMatchObject({
    workers: 5,
    deadTtlSeconds: 45,
    retries: 2,
    deadBackendOn500: false,
    maxInFlight: 100,
    unknownHostStatus: 400,
    accessLog: '/tmp/access.log',
  })
  expect(settings.timeouts.firstByte).toBe(10_000)
  expect(settings.redis.read).toMatchObject({ host: '10.0.0.5', port: 6380, database: 3, password: 'secret' })
  expect(settings.redis.write).toBe(settings.redis.read)
  expect(warnings).toHaveLength(2)
})

test('a file of Hipache 0.3: driver, address, the old default of all interfaces', () => {
  const { settings } = read({
    server: { port: 80, address: ['127.0.0.1', '::1'] },
    driver: 'redis://:pw@h:1/2#p:',
  })
  expect(settings.listen.map(({ address }) => address)).toEqual(['127.0.0.1', '::1'])
  expect(settings.redis.read).toMatchObject({ host: 'h', port: 1, database: 2, password: 'pw', prefix: 'p:' })
  expect(read({ server: {}, driver: 'redis:' }).settings.listen).toEqual([
    { address: '::', port: 80, tls: undefined },
  ])
})

test('a file of Hipache 0.4: bindings of their own, two drivers, no traps', () => {
  const { settings } = read({
    server: { staticDir: '/static', lruCache: { size: 10, ttl: 5 } },
    http: { port: 1080, bind: ['127.0.0.1', { address: '10.0.0.1', port: 1081 }] },
    https: {
      port: 1443,
      key: '/k',
      cert: '/c',
      ciphers: 'A: B',
      bind: [{ address: '10.0.0.2', cert: '/d' }],
    },
    driver: ['redis://slave:6379', 'redis://:pw@master:6380/1'],
    user: 'www-data',
    group: 'www-data',
  })
  expect(settings.listen).toMatchObject([
    { address: '127.0.0.1', port: 1080 },
    { address: '10.0.0.1', port: 1081 },
    { address: '10.0.0.2', port: 1443, tls: { key: '/k', cert: '/d', ciphers: 'A:B' } },
  ])
  expect(settings.redis.read.host).toBe('slave')
  expect(settings.redis.write).toMatchObject({ host: 'master', port: 6380, database: 1, password: 'pw' })
  expect(settings).toMatchObject({ user: 'www-data', staticDir: '/static' })
  // The old server.https without server.address never listened, server.address without TLS refused to start.
  expect(read({ server: { address: ['127.0.0.1'] } }).settings.listen).toHaveLength(1)
  expect(read({ server: { https: { key: '/k', cert: '/c' } } }).settings.listen).toHaveLength(2)
  expect(read({ http: { bind: 'localhost' } }).settings.listen).toMatchObject([
    { address: 'localhost', port: 80 },
  ])
  // The old Redis keys were ignored without a word.
  expect(read({ http: {}, redisHost: 'r' }).settings.redis.read.host).toBe('r')
})

test('what is no Hipache file, or needs another store, is refused', () => {
  expect(() => read({ server: { workers: 0 } })).toThrow()
  expect(() => read({ driver: 'memcached:' })).toThrow('only redis')
  expect(() => read({ https: { bind: '::', key: '/k' } })).toThrow('key and a cert')
})

test.each([
  ['redis:', { host: '127.0.0.1', port: 6379, database: 0, prefix: '' }],
  ['redis://', { host: '127.0.0.1', port: 6379 }],
  ['redis://:1234', { host: '127.0.0.1', port: 1234 }],
  ['redis://h/5#x', { host: 'h', database: 5, prefix: 'x' }],
  ['redis://u:p%40@h', { username: 'u', password: 'p@' }],
  ['redis://:p@[::1]:7', { host: '::1', port: 7, password: 'p', username: undefined }],
  ['redis+unix:///run/r.sock?db=2', { path: '/run/r.sock', database: 2 }],
  ['rediss://h', { tls: true }],
])('Redis URL %s', (url, target) => {
  expect(parseRedisUrl(url)).toMatchObject(target)
})

test.each(['', 'http://h', 'redis://h:port', 'redis://h/x', 'redis+unix://relative'])(
  'no Redis URL: %s',
  (url) => {
    expect(() => parseRedisUrl(url)).toThrow()
  },
)

test('listen addresses', () => {
  expect(listenAddress(':80', '::')).toMatchObject({ address: '::', port: 80 })
  expect(listenAddress('8080', '::')).toMatchObject({ address: '::', port: 8080 })
  expect(listenAddress('[::1]:81', '::')).toMatchObject({ address: '::1', port: 81 })
  expect(() => listenAddress('x', '::')).toThrow()
})

test('route options: malformed ones count as not given', () => {
  const odd: string[] = []
  const parse = (fields: Record<string, string>, balance: 'random' | 'least') =>
    parseRouteOptions(fields, balance, (name) => odd.push(name))
  expect(parse({}, 'random')).toBeUndefined()
  expect(parse({ balance: 'Random', weights: '1,,2', sticky: 'ON', maxInFlight: '5' }, 'least')).toEqual({
    balance: 'random',
    weights: [1, 1, 2],
    sticky: true,
    maxInFlight: 5,
  })
  expect(parse({ sticky: 'no', weights: '', balance: '', maxInFlight: '' }, 'least')).toMatchObject({
    weights: [1],
    sticky: false,
  })
  expect(odd).toEqual([])
  const all = { balance: 'odd', weights: '1,x', sticky: 'nO?', maxInFlight: '-5', wieghts: '1' }
  expect(parse(all, 'random')).toEqual({
    balance: 'random',
    weights: [],
    sticky: false,
    maxInFlight: undefined,
  })
  expect(odd).toEqual(['balance', 'weights', 'sticky', 'maxInFlight', 'wieghts'])
})

test('settings of an instance that do not parse are named, with what is wrong in them', () => {
  const root = mkdtempSync(join(tmpdir(), 'paas-settings-'))
  const { settings } = instancePaths(root)
  mkdirSync(dirname(settings), { recursive: true })
  try {
    for (const [text, what] of [
      ['{', 'JSON'],
      ['{"trustedProxies": "10.0.0.0/8"}', 'trustedProxies'],
    ] as const) {
      writeFileSync(settings, text)
      let refused: unknown
      try {
        routerSettings([], root, () => undefined)
      } catch (error) {
        refused = error
      }
      expect(refused).toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringContaining(settings) as string,
      })
      expect(String(refused)).toContain(what)
    }
  } finally {
    rmSync(root, { recursive: true })
  }
})

test('a user of Hipache 0.4 may be empty, which is nobody', () => {
  expect(read({ http: {}, user: '', group: '' }).settings).toMatchObject({
    user: undefined,
    group: undefined,
  })
  expect(read({ http: {}, user: 'www-data' }).settings).toMatchObject({ user: 'www-data', group: undefined })
})

test('a password may have an @', () => {
  expect(parseRedisUrl('redis://:p@ss:w@h:6380/2#x')).toMatchObject({
    host: 'h',
    port: 6380,
    password: 'p@ss:w',
  })
})

test('a mistake in a trusted proxy ends the router before there are workers', () => {
  const start = (range: string): unknown =>
    routerSettings(['--redis', 'redis:', '--trusted-proxy', range], '/', () => undefined)
  expect(() => start('10.0.0.0/')).toThrow('is not an address or a CIDR range')
  expect(start('10.0.0.0/8')).toMatchObject({ trustedProxies: ['10.0.0.0/8'] })
})

test('limits of time are named, in seconds', () => {
  const of = (...args: string[]) => routerSettings(['--redis', 'redis://x', ...args], '/', () => undefined)
  const { timeouts } = of('--timeout', 'total=300', '--timeout', 'first-byte=0.5', '--timeout', 'idle=0')!
  expect(timeouts).toMatchObject({ total: 300_000, firstByte: 500, idle: 0, connect: 5_000 })
  for (const wrong of ['connect=0', 'all=3', 'total', 'total=-1', 'total=1s']) {
    expect(() => of('--timeout', wrong)).toThrow(/--timeout/)
  }
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { expect, test } from 'vitest'
import { routerSettings } from '../../../src/router/arguments.ts'
import { parseHipacheConfig } from '../../../src/router/hipache-config.ts'
import { defaultSettings, type RouterSettings } from '../../../src/router/settings.ts'
import { parseRedisUrl, withoutPassword } from '../../../src/store/redis-target.ts'

const read = (value: unknown): { settings: RouterSettings; warnings: string[] } => {
  const warnings: string[] = []
  return { settings: parseHipacheConfig(value, (message) => warnings.push(message)), warnings }
}

const arguments_ = (...argv: string[]): { settings: RouterSettings; warnings: string[] } => {
  const warnings: string[] = []
  return { settings: routerSettings(argv, '/', (message) => warnings.push(message))!, warnings }
}

test.each([
  // As in the list that 0.4 ships: separated by spaces, one after a plus, one within a name.
  [
    'EECDH+ ECDSA+SHA256 EECDH+a RSA+SHA384 EECDH !aNULL',
    'EECDH+ECDSA+SHA256:EECDH+a:RSA+SHA384:EECDH:!aNULL',
  ],
  ['EECDH+aRSA+AESGCM EECDH !aNULL', 'EECDH+aRSA+AESGCM:EECDH:!aNULL'],
  [' EECDH: aRSA , \n RSA ', 'EECDH:aRSA:RSA'],
  ['EECDH +AES128', 'EECDH:+AES128'],
  ['ECDHE-RSA-AES128-GCM-SHA256:!aNULL', 'ECDHE-RSA-AES128-GCM-SHA256:!aNULL'],
])('the ciphers %j are what OpenSSL takes', (ciphers, expected) => {
  const { settings } = read({ https: { bind: '::', key: '/k', cert: '/c', ciphers } })
  expect(settings.listen.at(-1)?.tls?.ciphers).toBe(expected)
  expect(() => createSecureContext({ ciphers: expected })).not.toThrow()
})

test('the https of 0.4 listens only where it is told to; server.https wherever HTTP does', () => {
  const tls = { key: '/k', cert: '/c' }
  const where = (value: unknown): string[] =>
    read(value).settings.listen.map(({ address, port }) => `${address} ${port}`)
  expect(where({ http: {}, https: tls })).toEqual(['127.0.0.1 80'])
  expect(read({ http: {}, https: tls }).warnings).toEqual(['https.bind is missing: HTTPS is not served'])
  expect(read({ http: {}, https: { ...tls, bind: [] } }).warnings).toEqual([])
  expect(where({ server: { address: ['127.0.0.2'] }, https: tls })).toEqual(['127.0.0.2 80', '127.0.0.2 443'])
  expect(where({ server: { https: tls } })).toEqual([':: 80', ':: 443'])
  expect(where({ http: {}, server: { https: tls } })).toEqual(['127.0.0.1 80', '127.0.0.1 443'])
})

test('a user and a group are names or ids', () => {
  expect(read({ user: 33, group: 0 }).settings).toMatchObject({ user: '33', group: '0' })
  expect(read({ user: '33', group: 'adm' }).settings).toMatchObject({ user: '33', group: 'adm' })
  expect(() => read({ user: -1 })).toThrow()
  expect(() => read({ user: 1.5 })).toThrow()
})

test('a deadBackendTTL of 0 is taken', () => {
  expect(read({ server: { deadBackendTTL: 0 } }).settings.deadTtlSeconds).toBe(0)
  expect(() => read({ server: { deadBackendTTL: -1 } })).toThrow()
})

test('a maxSockets of 0 is none, which the default takes the place of', () => {
  const { settings, warnings } = read({ server: { maxSockets: 0 } })
  expect(settings.maxInFlight).toBe(defaultSettings.maxInFlight)
  expect(warnings).toEqual(['server.maxSockets is 0, which counts as not given: 1000'])
  expect(() => read({ server: { maxSockets: -1 } })).toThrow('maxSockets')
})

test('an object in bind without an address is on all of them', () => {
  const tls = { key: '/k', cert: '/c' }
  const { listen } = read({
    http: { bind: [{ port: 81 }, { address: '127.0.0.1' }] },
    https: { ...tls, bind: { port: 82 } },
  }).settings
  expect(listen.map(({ address, port }) => `${address} ${port}`)).toEqual([':: 81', '127.0.0.1 80', ':: 82'])
})

test.each([
  ['redis://hipache:secret@h', 'secret'],
  ['redis://secret@h', 'secret'],
  ['redis:secret@h', 'secret'],
  ['redis://:secret@h', 'secret'],
  ['redis://hipache:se:cr@et@h', 'se:cr@et'],
  ['redis://se%40cret@h:6380/1#x@y', 'se@cret'],
  ['redis://hipache:@h', undefined],
  ['redis://h/1#x:y@z', undefined],
])('the driver %s logs in with a password alone', (driver, password) => {
  const { read: target } = read({ driver }).settings.redis
  expect(target).toMatchObject({ host: 'h', username: undefined, password })
  expect(target.prefix).toBe(driver.split('#')[1] ?? '')
})

test('what --redis names is a user', () => {
  const { redis } = arguments_('--redis', 'redis://router:secret@h').settings
  expect(redis.read).toMatchObject({ username: 'router', password: 'secret' })
})

test('what is unknown is told by its path', () => {
  const { warnings } = read({
    wat: 1,
    nothing: null,
    server: { tcpTimout: 9, uniqueIdHeader: null, debug: true },
    http: { foo: 1, bind: ['127.0.0.1', { address: '::1', prot: 81 }] },
    https: { bind: [], secureProtocol: 'SSLv23_method', secureOptions: 0, cyphers: 'x' },
  })
  expect(warnings).toEqual(
    ['wat', 'server.tcpTimout', 'http.foo', 'http.bind[1].prot', 'https.cyphers'].map(
      (path) => `${path} is unknown and has no effect`,
    ),
  )
})

test('what node:tls takes reaches it, and nothing else does', () => {
  const tls = {
    ...{
      key: '/k',
      cert: '/c',
      pfx: '/p',
      dhparam: 'auto',
      ca: ['/a', '/b'],
      crl: ['/r'],
      passphrase: 'secret',
    },
    ...{ requestCert: true, rejectUnauthorized: false, honorCipherOrder: false, ciphers: 'HIGH' },
    ...{
      sigalgs: 'ed25519',
      ecdhCurve: 'auto',
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      secureOptions: 1,
    },
    ...{ sessionIdContext: 'id', sessionTimeout: 0, handshakeTimeout: 5000 },
  }
  const { settings, warnings } = read({
    server: { https: { ...tls, crl: '/r', ticketKeys: 'k', ALPNProtocols: ['h2'] } },
  })
  expect(settings.listen[1]?.tls).toStrictEqual(tls)
  expect(warnings).toContain('server.https.ticketKeys is unknown and has no effect')
  expect(warnings).toContain('server.https.ALPNProtocols is unknown and has no effect')
  const bind = [{ address: '::1', requestCert: false }, '::2']
  const { listen } = read({ https: { ...tls, bind } }).settings
  expect(listen.slice(1).map((one) => one.tls?.requestCert)).toEqual([false, true])
})

test.each([
  ['SSLv23_method', undefined],
  ['TLSv1_server_method', undefined],
  ['TLSv1_2_method', 'TLSv1_2_method'],
])('the secureProtocol %s', (secureProtocol, passed) => {
  const { settings } = read({ server: { https: { key: '/k', cert: '/c', secureProtocol } } })
  expect(settings.listen[1]?.tls?.secureProtocol).toBe(passed)
})

test.each([
  { requestCert: 'yes' },
  { rejectUnauthorized: 1 },
  { crl: 5 },
  { pfx: ['/p'] },
  { ecdhCurve: false },
  { minVersion: 'TLSv1.4' },
  { secureProtocol: 'TLSv1_2_client_method' },
  { secureOptions: 'all' },
  { handshakeTimeout: 0 },
  { sessionTimeout: -1 },
])('the option of TLS %o is refused by its name', (options) => {
  expect(() => read({ server: { https: { key: '/k', cert: '/c', ...options } } })).toThrow(
    Object.keys(options)[0],
  )
})

test('a file with anything that only 0.4 reads listens on loopback unless told otherwise', () => {
  const where = (value: unknown): string[] =>
    read(value).settings.listen.map(({ address, port }) => `${address} ${port}`)
  const driver = 'redis:'
  const server = { port: 8080 }
  expect(where({ driver, server })).toEqual([':: 8080'])
  for (const marker of [
    ...[{ user: 'www-data' }, { group: 'www-data' }, { http: {} }, { https: { bind: [] } }],
    { server: { ...server, staticDir: '/static' } },
  ]) {
    expect(where({ driver, server, ...marker })).toEqual(['127.0.0.1 8080'])
    expect(read({ driver, server, ...marker }).warnings).toContain(
      'http.bind is missing: HTTP is served on 127.0.0.1 alone, as by Hipache 0.4',
    )
  }
  const told = { driver, server: { ...server, address: ['::'] }, user: 'www-data' }
  expect(where(told)).toEqual([':: 8080'])
  expect(read(told).warnings).toHaveLength(1)
  expect(where({ driver, server, user: 'www-data', http: { bind: '0.0.0.0' } })).toEqual(['0.0.0.0 8080'])
})

test('what JavaScript takes for true or false, and a number for a password, are what they stand for', () => {
  const server = { debug: 1, httpKeepAlive: 'yes', deadBackendOn500: 0, accessLog: '' }
  const { settings, warnings } = read({ server, redisPassword: 1234, http: { bind: ['127.0.0.1', null] } })
  expect(settings.deadBackendOn500).toBe(false)
  expect(settings.accessLog).toBeUndefined()
  expect(settings.redis.read.password).toBe('1234')
  expect(settings.listen.map(({ address }) => address)).toEqual(['127.0.0.1'])
  expect(warnings.join()).not.toContain('httpKeepAlive')
  expect(read({ https: { port: 443 } }).warnings.join()).toContain('https.key is missing')
})

test('a null asks for nothing, wherever it is', () => {
  const { settings, warnings } = read({
    server: { accessLog: null, staticDir: null, workers: null, https: null },
    http: { port: 81, bind: null },
    https: { bind: '::1', key: 'k', cert: 'c', ca: null, passphrase: null, ciphers: null },
    user: null,
  })
  expect(warnings).toEqual([])
  expect(settings).toMatchObject({ accessLog: undefined, staticDir: undefined, workers: 10, user: undefined })
  expect(settings.listen.map(({ address, port }) => `${address} ${port}`)).toEqual([
    '127.0.0.1 81',
    '::1 443',
  ])
})

test('a plain address that is named twice is opened once', () => {
  const { settings, warnings } = arguments_(
    ...['--redis', 'redis:', '--listen', ':80', '--listen', '[::]:80', '--listen', '127.0.0.1:81'],
  )
  expect(settings.listen.map(({ address, port }) => `${address} ${port}`)).toEqual([':: 80', '127.0.0.1 81'])
  expect(warnings).toEqual(['[::]:80 is named twice and opened once'])
})

test.each(['redis://h:70000', 'redis://h:0', 'redis://h:http', 'redis://h:'])('the port of %s', (url) => {
  expect(() => parseRedisUrl(url)).toThrow(/ names no port from 1 to 65535$/)
  expect(() => arguments_('--redis', url)).toThrow('names no port')
})

test.each([
  'redis://:se%cret@h',
  'redis://:se/cret@h',
  'redis://:secret@h:70000',
  'redis://u:se#cret@h',
  'http://u:secret@h',
])('no message shows the password of %s', (url) => {
  expect(() => parseRedisUrl(url)).toThrow(/^(?!.*cret).*\*\*\*@h/)
  expect(withoutPassword(url)).toMatch(/^\w+:\/\/\*\*\*@h/)
})

test('a mistake in a driver names the file and the entry, not the password', () => {
  const directory = mkdtempSync(join(tmpdir(), 'paas-config-'))
  const file = join(directory, 'config.json')
  const refusal = (driver: unknown): string => {
    writeFileSync(file, JSON.stringify({ driver }))
    try {
      arguments_('--hipache-config', file)
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }
  try {
    expect(refusal('redis://:100%@h')).toBe(
      `${file}: driver redis://***@h has a % in its user or password that begins no escape: write %25 for it.`,
    )
    expect(refusal(['redis:', 'redis://:p@h:99999'])).toContain(
      `${file}: driver[1] redis://***@h:99999 names no port`,
    )
    expect(refusal('memcached://u:p@h')).toBe(
      `${file}: driver memcached://***@h is not supported: only redis is.`,
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a false stands for no value where there is to be one', () => {
  const server = { https: false, address: false, address6: false, staticDir: '' }
  const { settings } = read({ server, redisPassword: false, user: false, driver: false })
  expect(settings).toMatchObject({ staticDir: undefined, user: undefined })
  expect(settings.listen.map(({ address, port }) => `${address} ${port}`)).toEqual(['127.0.0.1 80'])
  expect(settings.redis.read.password).toBeUndefined()
})

test('an address6 says nothing about IPv4', () => {
  const where = (value: unknown): string[] => read(value).settings.listen.map(({ address }) => address)
  expect(where({ server: { address6: ['::1'] } })).toEqual(['0.0.0.0', '::1'])
  expect(where({ server: { address6: '::' } })).toEqual(['0.0.0.0', '::'])
  expect(where({ server: { address: ['127.0.0.1'], address6: ['::1'] } })).toEqual(['127.0.0.1', '::1'])
})

test('a Redis that is named twice is the one of driver, with a warning', () => {
  const { settings, warnings } = read({ driver: 'redis://one:1', redisHost: 'other', redisPort: 2 })
  expect(settings.redis.read).toMatchObject({ host: 'one', port: 1 })
  expect(warnings.join()).toContain('have no effect beside driver')
  expect(read({ redisMasterHost: 'master' }).warnings.join()).toContain('use driver')
})

test('an empty text stands for no value where there is to be one', () => {
  const { settings } = read({
    server: { port: 8080, address: '', https: { port: '', key: '', cert: '', passphrase: '' } },
    redisHost: '',
    redisPort: '',
    redisPassword: '',
    redisMasterHost: '',
    redisMasterPort: '',
    redisMasterPassword: '',
  })
  expect(settings.listen).toEqual([{ address: '::', port: 8080, tls: undefined }])
  expect(settings.redis.read).toMatchObject({ host: '127.0.0.1', port: 6379, password: undefined })
  expect(settings.redis.write).toBe(settings.redis.read)
  expect(read({ http: { bind: '' } }).settings.listen).toMatchObject([{ address: '127.0.0.1', port: 80 }])
})

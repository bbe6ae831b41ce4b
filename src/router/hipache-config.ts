import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { parseRedisUrl, type RedisTarget, withoutPassword } from '../store/redis-target.ts'
import {
  defaultSettings,
  defaultTimeouts,
  type ListenAddress,
  type RouterSettings,
  type TlsFiles,
} from './settings.ts'

/** As JavaScript asks for it. */
const flag = z.preprocess(
  (value) => (value === undefined ? undefined : Boolean(value)),
  z.boolean().optional(),
)
const password = z.union([z.string(), z.number().transform(String)]).optional()
const Port = z.coerce.number().int().min(1).max(65_535)
const strings = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat())
const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

/** The options of node:tls that Hipache passes to it, as far as JSON can hold them and Node still has them. */
const Tls = z.object({
  // Paths, or PEM as it is: 0.2 and 0.3 read key and cert alone, 0.4 ca as well.
  key: z.string().optional(),
  cert: z.string().optional(),
  ca: strings.optional(),
  crl: strings.optional(),
  pfx: z.string().optional(),
  dhparam: z.string().optional(),
  passphrase: z.string().optional(),
  requestCert: z.boolean().optional(),
  rejectUnauthorized: z.boolean().optional(),
  ciphers: z.string().transform(cipherList).optional(),
  honorCipherOrder: z.boolean().optional(),
  sigalgs: z.string().optional(),
  ecdhCurve: z.string().optional(),
  minVersion: z.enum(tlsVersions).optional(),
  maxVersion: z.enum(tlsVersions).optional(),
  // TLS 1.2 alone is a choice. With the others Node would speak no TLS 1.3, of which nobody knew, or nothing of today.
  secureProtocol: z
    .string()
    .regex(/^(SSLv(2|3|23)|TLS(v1(_[12])?)?)_(server_)?method$/, 'Must be as TLSv1_2_method, or left out')
    .transform((method) => (method.startsWith('TLSv1_2') ? method : undefined))
    .optional(),
  secureOptions: z.int().optional(),
  sessionIdContext: z.string().optional(),
  sessionTimeout: z.int32().min(0).optional(),
  handshakeTimeout: z.int32().min(1).optional(),
})
const tlsFields = { port: Port.optional(), ...Tls.shape }
const BoundAddress = z.looseObject({ address: z.string().optional(), ...tlsFields })
const Bind = z.union([z.string(), BoundAddress])
const binds = z.union([Bind, z.array(Bind)]).transform((value) => [value].flat())
const Http = z.looseObject({ port: Port.optional(), bind: binds.optional() })
const Https = z.looseObject({ bind: binds.optional(), ...tlsFields })
/** A name, or an id as a number or as text. */
const account = z.union([z.string(), z.int().min(0)]).transform(String)

const Server = z.looseObject({
  debug: flag,
  /** Null: none. */
  accessLog: z.preprocess((value) => (value === false || value === '' ? null : value), z.string().nullish()),
  workers: z.coerce.number().int().min(1).optional(),
  maxSockets: z.coerce.number().int().min(0).optional(),
  // 0 keeps no marks: Redis deletes at once what is to expire in no time.
  deadBackendTTL: z.coerce.number().int().min(0).optional(),
  tcpTimeout: z.coerce.number().min(0).optional(),
  retryOnError: z.coerce.number().int().min(0).optional(),
  deadBackendOn500: flag,
  httpKeepAlive: flag,
  lruCache: z.unknown().optional(),
  staticDir: z.string().optional(),
  port: Port.optional(),
  address: strings.optional(),
  address6: strings.optional(),
  https: Https.optional(),
  balance: z.enum(['least', 'random']).optional(),
  trustedProxies: z.array(z.string()).optional(),
})

/** The union of what Hipache 0.2, 0.3 and 0.4 read. */
const Config = z.looseObject({
  server: Server.default({}),
  http: Http.optional(),
  https: Https.optional(),
  driver: strings.optional(),
  user: account.optional(),
  group: account.optional(),
  redisHost: z.string().optional(),
  redisPort: Port.optional(),
  redisPassword: password,
  redisDatabase: z.coerce.number().int().min(0).optional(),
  redisMasterHost: z.string().optional(),
  redisMasterPort: Port.optional(),
  redisMasterPassword: password,
  redisMasterDatabase: z.coerce.number().int().min(0).optional(),
})
type HipacheConfig = z.infer<typeof Config>
/** Where a false, too, asks for nothing, as it is no value. */
const valued: ReadonlySet<string> = new Set([
  ...['https', 'redisPassword', 'redisMasterPassword', 'address', 'address6', 'bind', 'driver', 'staticDir'],
  ...['user', 'group'],
])
/** Where an empty text, too, is no value, as a template leaves it. One for `user` says at least that the file is of 0.4. */
const filledIn: ReadonlySet<string> = new Set([
  ...['redisHost', 'redisPort', 'redisPassword', 'redisDatabase'],
  ...['redisMasterHost', 'redisMasterPort', 'redisMasterPassword', 'redisMasterDatabase'],
  ...['address', 'address6', 'bind', 'port', 'https', 'key', 'cert', 'ca', 'passphrase', 'pfx'],
])
/** A null asks for nothing, wherever it is, but for `accessLog: null`, which is to have none. */
const HipacheConfig = z.preprocess(
  (value): unknown =>
    JSON.parse(JSON.stringify(value), (key, at: unknown) => {
      if (Array.isArray(at)) return (at as unknown[]).filter((one) => one !== undefined)
      if ((at === false && valued.has(key)) || (at === '' && filledIn.has(key))) return undefined
      return at === null && key !== 'accessLog' ? undefined : at
    }),
  Config,
)

/**
 * Reads a configuration file of any Hipache version. `warn` gets what is deprecated or has no effect here; `accepted` is
 * its text where it has been read before, and then counts in its place.
 */
export function readHipacheConfig(
  path: string,
  warn: (message: string) => void,
  accepted: string | undefined,
): RouterSettings {
  let configText: string
  let value: unknown
  try {
    configText = accepted ?? readFileSync(path, 'utf8')
    value = JSON.parse(configText)
  } catch (cause) {
    throw new PaasError('INVALID_INPUT', `${path} cannot be read as JSON: ${String(cause)}`, { cause })
  }
  const parsed = HipacheConfig.safeParse(value)
  if (!parsed.success) {
    throw new PaasError(
      'INVALID_INPUT',
      `${path} is not a Hipache configuration.\n${z.prettifyError(parsed.error)}`,
    )
  }
  try {
    return { ...hipacheSettings(parsed.data, warn), configText }
  } catch (error) {
    if (!(error instanceof PaasError)) throw error
    const { code, hint, message } = error
    throw new PaasError(code, `${path}: ${message}`, { cause: error, ...(hint !== undefined && { hint }) })
  }
}

export function parseHipacheConfig(value: unknown, warn: (message: string) => void): RouterSettings {
  return hipacheSettings(HipacheConfig.parse(value), warn)
}

function hipacheSettings(config: HipacheConfig, warn: (message: string) => void): RouterSettings {
  const { server } = config
  for (const key of unknownKeys(config)) warn(`${key} is unknown and has no effect`)
  if (server.lruCache !== undefined) warn('server.lruCache has no effect: the whole table is in memory')
  if (server.httpKeepAlive === false)
    warn('server.httpKeepAlive has no effect: connections are always kept alive')
  // Where the key had no effect, 0 did no harm.
  if (server.maxSockets === 0)
    warn(`server.maxSockets is 0, which counts as not given: ${defaultSettings.maxInFlight}`)
  const tcp = server.tcpTimeout === undefined ? 30_000 : server.tcpTimeout * 1000
  return {
    ...defaultSettings,
    trustedProxies: server.trustedProxies ?? [],
    listen: listenAddresses(config, warn),
    redis: { ...redisTargets(config, warn), mayConfigure: true },
    workers: server.workers ?? 10,
    user: config.user || undefined,
    group: config.group || undefined,
    accessLog:
      server.accessLog === undefined ? '/var/log/hipache/access.log' : (server.accessLog ?? undefined),
    staticDir: server.staticDir || undefined,
    unknownHostStatus: 400,
    balance: server.balance ?? 'least',
    timeouts: {
      ...defaultTimeouts,
      firstByte: tcp,
      idle: tcp,
      keepAlive: tcp,
      head: tcp === 0 ? 10_000 : tcp,
    },
    retries: server.retryOnError ?? 3,
    deadTtlSeconds: server.deadBackendTTL ?? 30,
    deadBackendOn500: server.deadBackendOn500 ?? true,
    maxInFlight: server.maxSockets || defaultSettings.maxInFlight,
  }
}

/** What nothing here reads, by its path. */
function unknownKeys(config: HipacheConfig): string[] {
  const of = (path: string, value: object | undefined, shape: object): string[] =>
    Object.entries(value ?? {})
      .filter(([key]) => !Object.hasOwn(shape, key))
      .map(([key]) => `${path}${key}`)
  const listening = (path: string, value: z.infer<typeof Http> | undefined, shape: object): string[] => [
    ...of(`${path}.`, value, shape),
    ...(value?.bind ?? []).flatMap((bind, i) =>
      typeof bind === 'string' ? [] : of(`${path}.bind[${i}].`, bind, BoundAddress.shape),
    ),
  ]
  return [
    ...of('', config, Config.shape),
    ...of('server.', config.server, Server.shape),
    ...listening('server.https', config.server.https, Https.shape),
    ...listening('http', config.http, Http.shape),
    ...listening('https', config.https, Https.shape),
  ]
}

function listenAddresses(config: HipacheConfig, warn: (message: string) => void): ListenAddress[] {
  const { server } = config
  const legacy = server.port !== undefined || server.address !== undefined || server.address6 !== undefined
  if (legacy || server.https !== undefined)
    warn('server.port, server.address and server.https are deprecated: use http and https')
  // 0.2 and 0.3 listened everywhere unless told otherwise; 0.4 on loopback. A file speaks the version it is in, and is
  // one of 0.4 where it has what only that reads.
  const onlyIn04 = [config.http, config.https, config.user, config.group, server.staticDir]
  const modern = onlyIn04.some((value) => value !== undefined)
  // For 0.2, which alone knows address6, that says nothing about IPv4.
  const ipv4 = server.address ?? (server.address6 === undefined ? [] : [modern ? '127.0.0.1' : '0.0.0.0'])
  const hosts = [...ipv4, ...(server.address6 ?? [])]
  const anywhere = hosts.length > 0 ? hosts : [modern ? '127.0.0.1' : '::']
  if (modern && server.port !== undefined && hosts.length === 0 && config.http?.bind === undefined)
    warn('http.bind is missing: HTTP is served on 127.0.0.1 alone, as by Hipache 0.4')
  // 0.4 gives an object in bind its port, but no address.
  const unnamed = '::'
  const listen: ListenAddress[] = []
  const httpPort = config.http?.port ?? server.port ?? 80
  for (const bind of config.http?.bind ?? anywhere) {
    if (typeof bind === 'string') listen.push({ address: bind, port: httpPort, tls: undefined })
    else listen.push({ address: bind.address ?? unnamed, port: bind.port ?? httpPort, tls: undefined })
  }
  const https = config.https ?? server.https
  if (https === undefined) return listen
  // server.https alone listened wherever HTTP did; the https of 0.4 only where it was told to.
  const unbound = config.https === undefined ? anywhere : hosts
  if (https.bind === undefined && unbound.length === 0) warn('https.bind is missing: HTTPS is not served')
  const hasKey = https.key !== undefined || https.pfx !== undefined
  if (https.bind === undefined && !hasKey) warn('https.key is missing: HTTPS is not served')
  const httpsBinds = https.bind ?? (hasKey ? unbound : [])
  for (const bind of httpsBinds) {
    const own = typeof bind === 'string' ? { address: bind } : bind
    const merged = { ...https, ...own }
    listen.push({
      address: own.address ?? unnamed,
      port: merged.port ?? 443,
      tls: tlsFiles(merged),
    })
  }
  return listen
}

/** Of all that was said of an address what is for node:tls. */
function tlsFiles(config: z.infer<typeof Tls>): TlsFiles {
  if (config.pfx === undefined && (config.key === undefined || config.cert === undefined)) {
    throw new PaasError('INVALID_INPUT', 'https needs a key and a cert.', {
      hint: 'Give the paths of PEM files as https.key and https.cert, or that of a PKCS #12 file as https.pfx.',
    })
  }
  return Tls.parse(config)
}

/** Spaces separate, as `:` does. But the list that 0.4 ships has one after a `+`, which OpenSSL refuses. */
function cipherList(text: string): string {
  return text
    .trim()
    .replace(/\+\s+/g, '+')
    .replace(/[\s:,]+/g, ':')
}

function redisTargets(
  config: HipacheConfig,
  warn: (message: string) => void,
): { read: RedisTarget; write: RedisTarget } {
  const legacy =
    config.redisHost ??
    config.redisPort ??
    config.redisPassword ??
    config.redisDatabase ??
    config.redisMasterHost
  const deprecated = 'redisHost, redisPort, redisPassword, redisDatabase and redisMaster… are deprecated'
  if (config.driver !== undefined && config.driver.length > 0) {
    if (legacy !== undefined) warn(`${deprecated} and have no effect beside driver`)
    const targets = config.driver.map((url, i, all) =>
      driverTarget(url, all.length === 1 ? 'driver' : `driver[${i}]`),
    )
    const read = targets[0]!
    return { read, write: targets.length > 1 ? targets.at(-1)! : read }
  }
  if (legacy !== undefined) warn(`${deprecated}: use driver`)
  const read: RedisTarget = {
    ...parseRedisUrl('redis:'),
    host: config.redisHost ?? '127.0.0.1',
    port: config.redisPort ?? 6379,
    password: config.redisPassword,
    database: config.redisDatabase ?? 0,
  }
  if (config.redisMasterHost === undefined) return { read, write: read }
  return {
    read,
    write: {
      ...read,
      host: config.redisMasterHost,
      port: config.redisMasterPort ?? 6379,
      password: config.redisMasterPassword,
      database: config.redisMasterDatabase ?? 0,
    },
  }
}

function driverTarget(url: string, key: string): RedisTarget {
  if (!/^redis/i.test(url)) {
    throw new PaasError('INVALID_INPUT', `${key} ${withoutPassword(url)} is not supported: only redis is.`)
  }
  try {
    // Hipache's password is what follows the colon, or all there is: it knows no users.
    return parseRedisUrl(url.replace(/^([^:]*:(?:\/\/)?)(?:[^:@/#]*:)?([^/#]*@)/, '$1:$2'))
  } catch (cause) {
    throw new PaasError('INVALID_INPUT', `${key} ${messageOf(cause)}.`, { cause })
  }
}

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { PaasError } from '../errors/paas-error.ts'
import { parseRedisUrl, type RedisTarget } from '../store/redis-target.ts'
import {
  defaultSettings,
  defaultTimeouts,
  type ListenAddress,
  type RouterSettings,
  type TlsFiles,
} from './settings.ts'

const Port = z.coerce.number().int().min(1).max(65_535)
const strings = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat())

/** TLS options as Hipache takes them; secureProtocol and secureOptions only restrict what Node refuses anyway. */
const tlsFields = {
  port: Port.optional(),
  key: z.string().optional(),
  cert: z.string().optional(),
  ca: strings.optional(),
  passphrase: z.string().optional(),
  ciphers: z.string().optional(),
  honorCipherOrder: z.boolean().optional(),
}
const Bind = z.union([z.string(), z.looseObject({ address: z.string().optional(), ...tlsFields })])
const binds = z.union([Bind, z.array(Bind)]).transform((value) => [value].flat())

/** The union of what Hipache 0.2, 0.3 and 0.4 read. */
const HipacheConfig = z.looseObject({
  server: z
    .looseObject({
      debug: z.boolean().optional(),
      accessLog: z.string().nullish(),
      workers: z.coerce.number().int().min(1).optional(),
      maxSockets: z.coerce.number().int().min(1).optional(),
      deadBackendTTL: z.coerce.number().int().min(1).optional(),
      tcpTimeout: z.coerce.number().min(0).optional(),
      retryOnError: z.coerce.number().int().min(0).optional(),
      deadBackendOn500: z.boolean().optional(),
      httpKeepAlive: z.boolean().optional(),
      lruCache: z.unknown().optional(),
      staticDir: z.string().nullish(),
      port: Port.optional(),
      address: strings.optional(),
      address6: strings.optional(),
      https: z.looseObject({ bind: binds.optional(), ...tlsFields }).nullish(),
      balance: z.enum(['least', 'random']).optional(),
      trustedProxies: z.array(z.string()).optional(),
    })
    .default({}),
  http: z.looseObject({ port: Port.optional(), bind: binds.optional() }).nullish(),
  https: z.looseObject({ bind: binds.optional(), ...tlsFields }).nullish(),
  driver: strings.optional(),
  user: z.string().nullish(),
  group: z.string().nullish(),
  redisHost: z.string().optional(),
  redisPort: Port.optional(),
  redisPassword: z.string().nullish(),
  redisDatabase: z.coerce.number().int().min(0).nullish(),
  redisMasterHost: z.string().optional(),
  redisMasterPort: Port.optional(),
  redisMasterPassword: z.string().nullish(),
  redisMasterDatabase: z.coerce.number().int().min(0).nullish(),
})
type HipacheConfig = z.infer<typeof HipacheConfig>

const known = new Set(Object.keys(HipacheConfig.shape))

/** Reads a configuration file of any Hipache version. `warn` gets what is deprecated or has no effect here. */
export function readHipacheConfig(path: string, warn: (message: string) => void): RouterSettings {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
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
  return hipacheSettings(parsed.data, warn)
}

export function parseHipacheConfig(value: unknown, warn: (message: string) => void): RouterSettings {
  return hipacheSettings(HipacheConfig.parse(value), warn)
}

function hipacheSettings(config: HipacheConfig, warn: (message: string) => void): RouterSettings {
  const { server } = config
  for (const key of Object.keys(config)) if (!known.has(key)) warn(`${key} is unknown and has no effect`)
  if (server.lruCache !== undefined) warn('server.lruCache has no effect: the whole table is in memory')
  if (server.httpKeepAlive === false)
    warn('server.httpKeepAlive has no effect: connections are always kept alive')
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
    staticDir: server.staticDir ?? undefined,
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
    maxInFlight: server.maxSockets ?? defaultSettings.maxInFlight,
  }
}

type TlsConfig = {
  [Key in keyof typeof tlsFields]?: z.infer<(typeof tlsFields)[Key]>
}

function listenAddresses(config: HipacheConfig, warn: (message: string) => void): ListenAddress[] {
  const { server } = config
  const legacy = server.port !== undefined || server.address !== undefined || server.address6 !== undefined
  if (legacy || server.https != null)
    warn('server.port, server.address and server.https are deprecated: use http and https')
  const hosts = [...(server.address ?? []), ...(server.address6 ?? [])]
  // 0.2 and 0.3 listened everywhere unless told otherwise; 0.4 on loopback. A file speaks the version it is in.
  const modern = config.http != null || config.https != null || config.user != null
  const anywhere = hosts.length > 0 ? hosts : [modern && !legacy ? '127.0.0.1' : '::']
  const listen: ListenAddress[] = []
  const httpPort = config.http?.port ?? server.port ?? 80
  for (const bind of config.http?.bind ?? anywhere) {
    if (typeof bind === 'string') listen.push({ address: bind, port: httpPort, tls: undefined })
    else listen.push({ address: bind.address ?? '127.0.0.1', port: bind.port ?? httpPort, tls: undefined })
  }
  const https = config.https ?? server.https
  if (https == null) return listen
  const httpsBinds = https.bind ?? (https.key === undefined ? [] : anywhere)
  for (const bind of httpsBinds) {
    const own: TlsConfig & { address?: string | undefined } =
      typeof bind === 'string' ? { address: bind } : bind
    const merged = { ...https, ...own }
    listen.push({
      address: own.address ?? '127.0.0.1',
      port: merged.port ?? 443,
      tls: tlsFiles(merged),
    })
  }
  return listen
}

function tlsFiles(config: TlsConfig): TlsFiles {
  if (config.key === undefined || config.cert === undefined) {
    throw new PaasError('INVALID_INPUT', 'https needs a key and a cert.', {
      hint: 'Give the paths of PEM files as https.key and https.cert.',
    })
  }
  return {
    key: config.key,
    cert: config.cert,
    ca: config.ca ?? [],
    passphrase: config.passphrase,
    // The list that 0.4 ships has stray spaces, which OpenSSL refuses.
    ciphers: config.ciphers?.replace(/\s+/g, ''),
    honorCipherOrder: config.honorCipherOrder,
  }
}

function redisTargets(
  config: HipacheConfig,
  warn: (message: string) => void,
): { read: RedisTarget; write: RedisTarget } {
  if (config.driver !== undefined && config.driver.length > 0) {
    const targets = config.driver.map((url) => {
      if (!/^redis/i.test(url)) {
        throw new PaasError('INVALID_INPUT', `The driver ${url} is not supported: only redis is.`)
      }
      return parseRedisUrl(url)
    })
    const read = targets[0]!
    return { read, write: targets.length > 1 ? targets.at(-1)! : read }
  }
  const legacy = config.redisHost ?? config.redisPort ?? config.redisPassword ?? config.redisDatabase
  if (legacy != null) warn('redisHost, redisPort, redisPassword and redisDatabase are deprecated: use driver')
  const read: RedisTarget = {
    ...parseRedisUrl('redis:'),
    host: config.redisHost ?? '127.0.0.1',
    port: config.redisPort ?? 6379,
    password: config.redisPassword ?? undefined,
    database: config.redisDatabase ?? 0,
  }
  if (config.redisMasterHost === undefined) return { read, write: read }
  return {
    read,
    write: {
      ...read,
      host: config.redisMasterHost,
      port: config.redisMasterPort ?? 6379,
      password: config.redisMasterPassword ?? undefined,
      database: config.redisMasterDatabase ?? 0,
    },
  }
}

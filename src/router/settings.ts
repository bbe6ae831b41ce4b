import { type TlsOptions } from 'node:tls'
import { type RedisTarget } from '../store/redis-target.ts'
import { type Timeouts } from './forward/plane.ts'

/** Where to listen; `tls` makes it HTTPS. */
export type ListenAddress = {
  address: string
  port: number
  tls: TlsFiles | undefined
}

/** What node:tls takes, with paths of files, or PEM, for what files hold. */
export type TlsFiles = Omit<TlsOptions, 'key' | 'cert' | 'pfx' | 'dhparam' | 'ca' | 'crl'> &
  Partial<Record<'key' | 'cert' | 'pfx' | 'dhparam', string | undefined>> &
  Partial<Record<'ca' | 'crl', string[] | undefined>>

/** Everything that decides how a router behaves; made from an instance, from flags or from Hipache's file. */
export type RouterSettings = {
  listen: ListenAddress[]
  redis: { read: RedisTarget; write: RedisTarget; mayConfigure: boolean }
  workers: number
  /** What the workers run as; the master keeps its own user, so that it can bind low ports. */
  user: string | undefined
  group: string | undefined
  /** Where the last table is kept for a start without Redis. */
  snapshot: string | undefined
  accessLog: string | undefined
  controlSocket: string | undefined
  metrics: { address: string; port: number } | undefined
  /** Addresses and CIDR ranges whose X-Forwarded-… and PROXY protocol are believed, and who may see x-debug. */
  trustedProxies: string[]
  proxyProtocol: boolean
  unknownHostStatus: 400 | 404
  /** What pages send an app's owner to: the commands of an instance, or the keys of a Redis. */
  advice: 'commands' | 'keys'
  staticDir: string | undefined
  balance: 'least' | 'random'
  timeouts: Timeouts
  /** How long a worker that is to go waits for its connections, in ms. */
  drainMs: number
  retries: number
  replayBytes: number
  deadTtlSeconds: number
  deadBackendOn500: boolean
  maxIdlePerBackend: number
  maxInFlight: number
  maxQueue: number
  /** The Hipache file that they come from, as it was read. */
  configText: string | undefined
  /**
   * What the files of `tls` held when they were accepted, by path, a character for each byte; undefined: they are read
   * when they are needed.
   */
  pem: Record<string, string> | undefined
  /** Node's private fields for cheaper reads and writes, where they are there. */
  fastPath: boolean
}

export const defaultTimeouts: Timeouts = {
  head: 10_000,
  keepAlive: 75_000,
  connect: 5_000,
  queue: 5_000,
  firstByte: 30_000,
  idle: 60_000,
  total: 0,
  linger: 5_000,
}

/** What every way to configure a router starts from. */
export const defaultSettings = {
  workers: 1,
  user: undefined,
  group: undefined,
  snapshot: undefined,
  accessLog: undefined,
  controlSocket: undefined,
  metrics: undefined,
  trustedProxies: [],
  proxyProtocol: false,
  unknownHostStatus: 404,
  advice: 'keys',
  staticDir: undefined,
  balance: 'least',
  timeouts: defaultTimeouts,
  drainMs: 30_000,
  retries: 3,
  replayBytes: 64 * 1024,
  deadTtlSeconds: 30,
  deadBackendOn500: true,
  maxIdlePerBackend: 512,
  maxInFlight: 1000,
  maxQueue: 250,
  configText: undefined,
  pem: undefined,
  fastPath: true,
} as const satisfies Partial<RouterSettings>

import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { instancePaths } from '../lib/paths.ts'
import { Instance } from '../model/instance.ts'
import { parseRedisUrl } from '../store/redis-target.ts'
import { trustedPeers } from './client/proxy-protocol.ts'
import { type Timeouts } from './forward/plane.ts'
import { readHipacheConfig } from './hipache-config.ts'
import { addressText } from './listeners.ts'
import { type AcceptedFiles } from './accepted-files.ts'
import { defaultSettings, type ListenAddress, type RouterSettings } from './settings.ts'

export const routerUsage = `Usage: paas router [options]

Serves the routes of a Redis in Hipache's layout. Without --redis or --hipache-config it serves this instance.

  --redis URL             redis://[:password@]host:port/db#prefix or redis+unix:///path
  --listen ADDRESS        [address]:port; may be repeated (default :80)
  --hipache-config FILE   a configuration file of Hipache 0.2, 0.3 or 0.4
  --workers N             worker processes (default: one per core, at least two)
  --access-log FILE
  --snapshot FILE         where the last table is kept for a start without Redis
  --control SOCKET        where the router answers for itself (an instance's: router:stats, router:reload)
  --metrics ADDRESS       [address]:port of the Prometheus text (default address 127.0.0.1)
  --trusted-proxy RANGE   whose X-Forwarded-… are believed; may be repeated
  --proxy-protocol        accept PROXY protocol v1 and v2 from trusted proxies
  --balance least|random
  --timeout NAME=SECONDS  head, keep-alive, connect, queue, first-byte, idle, total or linger; may be repeated
                          0: none, for keep-alive, first-byte, idle and total (which has none by default)
  --user NAME, --group NAME   what the workers run as
  --no-fast-path          do without Node's private fields
  --help

Examples:
  paas router --redis redis://127.0.0.1:6379 --listen :8080
  paas router --hipache-config /etc/hipache.json --user www-data
`

const flags = {
  redis: { type: 'string' },
  listen: { type: 'string', multiple: true },
  'hipache-config': { type: 'string' },
  workers: { type: 'string' },
  'access-log': { type: 'string' },
  snapshot: { type: 'string' },
  control: { type: 'string' },
  metrics: { type: 'string' },
  'trusted-proxy': { type: 'string', multiple: true },
  'proxy-protocol': { type: 'boolean' },
  balance: { type: 'string' },
  timeout: { type: 'string', multiple: true },
  user: { type: 'string' },
  group: { type: 'string' },
  'no-fast-path': { type: 'boolean' },
  help: { type: 'boolean' },
} as const

/**
 * Decides the settings from a command line. `root` is PAAS_ROOT, used when neither a Redis nor a Hipache file is
 * named. Undefined: only help was asked for. `warn` gets one line per deprecated or unknown setting. `accepted`: what has
 * been read before of a Hipache file, and of the files that it names.
 */
export function routerSettings(
  argv: string[],
  root: string,
  warn: (message: string) => void,
  accepted?: AcceptedFiles,
): RouterSettings | undefined {
  const values = parse(argv)
  if (values.help === true) return undefined
  const base =
    values['hipache-config'] !== undefined
      ? readHipacheConfig(values['hipache-config'], warn, accepted?.configText)
      : values.redis !== undefined
        ? standalone(values.redis)
        : ofInstance(root)
  if (values['hipache-config'] !== undefined && values.redis !== undefined) {
    const target = redisTarget(values.redis)
    base.redis = { ...base.redis, read: target, write: target }
  }
  const settings = {
    ...base,
    pem: accepted?.pem,
    fastPath: values['no-fast-path'] !== true,
    ...(values.listen === undefined
      ? {}
      : { listen: values.listen.map((text) => listenAddress(text, '::')) }),
    ...(values.workers === undefined ? {} : { workers: positive(values.workers, '--workers') }),
    ...(values['access-log'] === undefined ? {} : { accessLog: values['access-log'] }),
    ...(values.snapshot === undefined ? {} : { snapshot: values.snapshot }),
    ...(values.control === undefined ? {} : { controlSocket: values.control }),
    ...(values.metrics === undefined ? {} : { metrics: listenAddress(values.metrics, '127.0.0.1') }),
    ...(values['trusted-proxy'] === undefined ? {} : { trustedProxies: values['trusted-proxy'] }),
    ...(values['proxy-protocol'] === undefined ? {} : { proxyProtocol: values['proxy-protocol'] }),
    ...(values.balance === undefined ? {} : { balance: balance(values.balance) }),
    timeouts: timeouts(values.timeout ?? [], base.timeouts),
    ...(values.user === undefined ? {} : { user: values.user }),
    ...(values.group === undefined ? {} : { group: values.group }),
  }
  if (settings.proxyProtocol && settings.listen.some(({ tls }) => tls !== undefined))
    warn('--proxy-protocol has no effect where HTTPS is served')
  // Here, where a mistake ends the router at once, not in workers that would fail at it again and again.
  trustedPeers(settings.trustedProxies)
  return { ...settings, listen: distinct(settings.listen, warn) }
}

/** The same twice is what nobody can open. Two that are TLS may differ in their files, and are left to fail. */
function distinct(listen: ListenAddress[], warn: (message: string) => void): ListenAddress[] {
  const seen = new Set<string>()
  return listen.filter((one) => {
    if (one.tls !== undefined) return true
    const text = addressText(one)
    const first = !seen.has(text)
    seen.add(text)
    if (!first) warn(`${text} is named twice and opened once`)
    return first
  })
}

function parse(argv: string[]) {
  try {
    return parseArgs({ args: argv, options: flags, allowPositionals: false }).values
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error))
  }
}

function invalid(message: string): PaasError {
  return new PaasError('INVALID_INPUT', message, { hint: 'See `paas router --help`.' })
}

function redisTarget(url: string) {
  try {
    return parseRedisUrl(url)
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error))
  }
}

function standalone(url: string): RouterSettings {
  const target = redisTarget(url)
  return {
    ...defaultSettings,
    trustedProxies: [],
    listen: [{ address: '::', port: 80, tls: undefined }],
    redis: { read: target, write: target, mayConfigure: true },
    workers: defaultWorkers(),
  }
}

/** One per core, and one that goes on serving while another is replaced. */
function defaultWorkers(): number {
  return Math.max(2, availableParallelism())
}

function ofInstance(root: string): RouterSettings {
  const paths = instancePaths(root)
  if (!existsSync(paths.settings)) {
    throw new PaasError('INVALID_INPUT', `There is no instance here: ${paths.settings} is not there.`, {
      hint: 'Say which routes to serve: --redis URL or --hipache-config FILE. Or set an instance up: bin/setup.',
    })
  }
  const instance = readSettings(paths.settings)
  const target = {
    ...parseRedisUrl('redis:'),
    path: paths.redisSocket,
    username: 'router',
    password: readFileSync(paths.redisRouterPassword, 'utf8').trim(),
  }
  return {
    ...defaultSettings,
    trustedProxies: instance.trustedProxies ?? [],
    proxyProtocol: instance.proxyProtocol ?? false,
    listen: [{ ...instance.http, tls: undefined }],
    redis: { read: target, write: target, mayConfigure: false },
    advice: 'commands',
    workers: instance.routerWorkers ?? defaultWorkers(),
    snapshot: paths.routerSnapshot,
    accessLog: paths.accessLog,
    controlSocket: paths.routerSocket,
    metrics: root === '/' ? { address: '127.0.0.1', port: 9180 } : undefined,
  }
}

function readSettings(path: string): Instance {
  try {
    return Instance.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    const what = cause instanceof z.ZodError ? `\n${z.prettifyError(cause)}` : ` ${messageOf(cause)}`
    throw new PaasError('INVALID_INPUT', `${path} is not a valid settings file.${what}`, {
      hint: 'Correct it, then paas router:reload. What runs goes on as it is.',
      cause,
    })
  }
}

/** `:80`, `80`, `127.0.0.1:80`, `[::1]:80`. */
export function listenAddress(text: string, fallback: string): ListenAddress {
  const match = /^(?:(\[[0-9a-f:.]+\]|[^:[\]]*):)?([0-9]{1,5})$/i.exec(text)
  const port = Number(match?.[2])
  if (match === null || port > 65_535) throw invalid(`${text} is not [address]:port`)
  const address = (match[1] ?? '').replace(/^\[|\]$/g, '')
  return { address: address === '' || address === '*' ? fallback : address, port, tls: undefined }
}

function positive(text: string, flag: string): number {
  if (!/^[1-9][0-9]{0,3}$/.test(text)) throw invalid(`${flag} is a positive number, not ${text}`)
  return Number(text)
}

const timeoutNames: ReadonlyMap<string, keyof Timeouts> = new Map([
  ['head', 'head'],
  ['keep-alive', 'keepAlive'],
  ['connect', 'connect'],
  ['queue', 'queue'],
  ['first-byte', 'firstByte'],
  ['idle', 'idle'],
  ['total', 'total'],
  ['linger', 'linger'],
])
/** Those that there may be none of. */
const endless: ReadonlySet<keyof Timeouts> = new Set(['keepAlive', 'firstByte', 'idle', 'total'])

function timeouts(texts: readonly string[], base: Timeouts): Timeouts {
  const changed = texts.map((text): [keyof Timeouts, number] => {
    const [, name = '', seconds = ''] = /^([a-z-]+)=([0-9]{1,6}(?:\.[0-9]{1,3})?)$/.exec(text) ?? []
    const key = timeoutNames.get(name)
    if (key === undefined) throw invalid(`--timeout is NAME=SECONDS, not ${text}`)
    const ms = Math.round(Number(seconds) * 1000)
    if (ms === 0 && !endless.has(key)) throw invalid(`--timeout ${name} cannot be 0`)
    return [key, ms]
  })
  return { ...base, ...Object.fromEntries(changed) }
}

function balance(text: string): 'least' | 'random' {
  if (text === 'least' || text === 'random') return text
  throw invalid(`--balance is least or random, not ${text}`)
}

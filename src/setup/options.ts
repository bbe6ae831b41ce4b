import { parseArgs } from 'node:util'
import { PaasError } from '../errors/paas-error.ts'

/** What the administrator asked for; undefined: keep what the instance has, or the default. */
export type SetupOptions = {
  /** '/' for the machine's own instance. */
  root: string
  /** The clone that `bin/setup` runs in; the demo's app is taken from it. */
  source: string
  /** Digest of the sources that were installed: when it changes, the processes are renewed. */
  appDigest: string
  user: string | undefined
  domain: string | undefined
  httpPort: number | undefined
  sshPort: number | undefined
  dockerSocket: string | undefined
  demo: boolean
  baseImage: boolean
  dryRun: boolean
}

const flags = {
  root: { type: 'string', default: '/' },
  source: { type: 'string', default: '.' },
  'app-digest': { type: 'string', default: '' },
  user: { type: 'string' },
  domain: { type: 'string' },
  'http-port': { type: 'string' },
  'ssh-port': { type: 'string' },
  'docker-socket': { type: 'string' },
  demo: { type: 'boolean', default: false },
  'no-base-image': { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
} as const

/** Reads the arguments that `bin/setup` hands on. Throws INVALID_INPUT. */
export function parseSetupOptions(argv: string[]): SetupOptions {
  const { values } = parseArgs({ args: argv, options: flags, strict: true, allowPositionals: false })
  return {
    root: values.root,
    source: values.source,
    appDigest: values['app-digest'],
    user: matching(values.user, '--user', /^[a-z][a-z0-9-]{0,23}$/, 'a short Unix user name'),
    domain: matching(
      values.domain?.toLowerCase(),
      '--domain',
      /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
      'a host name such as apps.example.com',
    ),
    httpPort: port(values['http-port'], '--http-port'),
    sshPort: port(values['ssh-port'], '--ssh-port'),
    dockerSocket: matching(
      values['docker-socket'],
      '--docker-socket',
      /^\/[\w./-]{1,106}$/,
      'the absolute path of a socket',
    ),
    demo: values.demo,
    baseImage: !values['no-base-image'],
    dryRun: values['dry-run'],
  }
}

function port(value: string | undefined, flag: string): number | undefined {
  if (value === undefined) return undefined
  const number = /^\d{1,5}$/.test(value) ? Number(value) : 0
  if (number < 1 || number > 65_535) {
    throw new PaasError('INVALID_INPUT', `${flag} must be a port from 1 to 65535, not "${value}"`)
  }
  return number
}

function matching(value: string | undefined, flag: string, pattern: RegExp, what: string) {
  if (value !== undefined && !pattern.test(value)) {
    throw new PaasError('INVALID_INPUT', `${flag} must be ${what}, not "${value}"`)
  }
  return value
}

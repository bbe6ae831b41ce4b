/** Where a Redis is and how to log in. */
export type RedisTarget = {
  /** A unix socket; otherwise host and port. */
  path: string | undefined
  host: string
  port: number
  username: string | undefined
  password: string | undefined
  database: number
  tls: boolean
  /** Prepended to `frontend:` and `dead:` keys: Hipache's `#fragment`. */
  prefix: string
}

/**
 * Reads `redis://[[user]:password@][host][:port][/db][#prefix]`, every part optional as in Hipache, where
 * `redis:` is 127.0.0.1:6379; or `redis+unix:///path/to.sock[?db=1]`. Throws on anything else.
 */
export function parseRedisUrl(url: string): RedisTarget {
  const match =
    /^(rediss?|redis\+unix|unix):(?:\/\/)?(?:([^:@/#]*):([^/#]*)@|([^:/#]*)@)?([^#]*)(?:#(.*))?$/i.exec(url)
  if (match === null) throw refused(url, 'is not a Redis URL')
  const [, scheme = '', username, password, alone, rest = '', prefix = ''] = match
  const target: RedisTarget = {
    path: undefined,
    host: '127.0.0.1',
    port: 6379,
    username: decode(username, url) ?? decode(alone, url),
    password: decode(password, url),
    database: 0,
    tls: scheme.toLowerCase() === 'rediss',
    prefix,
  }
  if (/unix$/i.test(scheme)) {
    const [path = '', query = ''] = rest.split('?')
    if (!path.startsWith('/')) throw refused(url, 'names no socket')
    return { ...target, path, database: databaseOf(new URLSearchParams(query).get('db') ?? '', url) }
  }
  const address = /^(\[[0-9a-f:.]+\]|[^:/[\]]*)(?::([^:/[\]]*))?(?:\/([0-9]*))?\/?$/i.exec(rest)
  if (address === null) throw refused(url, 'is not a Redis URL')
  const [, host = '', port, database = ''] = address
  if (host !== '') target.host = host.replace(/^\[|\]$/g, '')
  if (port !== undefined) target.port = portOf(port, url)
  return { ...target, database: databaseOf(database, url) }
}

/** For messages, which end up in logs. Up to the last `@`, as a password may have one. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z+]*:\/\/)?.*@/is, '$1***@')
}

function refused(url: string, why: string): Error {
  return new Error(`${withoutPassword(url)} ${why}`)
}

function decode(text: string | undefined, url: string): string | undefined {
  if (text === undefined || text === '') return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    throw refused(url, 'has a % in its user or password that begins no escape: write %25 for it')
  }
}

function portOf(text: string, url: string): number {
  const port = Number(text)
  if (!/^[0-9]+$/.test(text) || port < 1 || port > 65_535) {
    throw refused(url, 'names no port from 1 to 65535')
  }
  return port
}

function databaseOf(text: string, url: string): number {
  if (text === '') return 0
  if (!/^[0-9]{1,4}$/.test(text)) throw refused(url, 'names no database')
  return Number(text)
}

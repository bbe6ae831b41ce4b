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
  if (match === null) throw new Error(`${url} is not a Redis URL`)
  const [, scheme = '', username, password, alone, rest = '', prefix = ''] = match
  const target: RedisTarget = {
    path: undefined,
    host: '127.0.0.1',
    port: 6379,
    username: decode(username) ?? decode(alone),
    password: decode(password),
    database: 0,
    tls: scheme.toLowerCase() === 'rediss',
    prefix,
  }
  if (/unix$/i.test(scheme)) {
    const [path = '', query = ''] = rest.split('?')
    if (!path.startsWith('/')) throw new Error(`${url} names no socket`)
    return { ...target, path, database: databaseOf(new URLSearchParams(query).get('db') ?? '', url) }
  }
  const address = /^(\[[0-9a-f:.]+\]|[^:/[\]]*)(?::([0-9]{1,5}))?(?:\/([0-9]*))?\/?$/i.exec(rest)
  if (address === null) throw new Error(`${url} is not a Redis URL`)
  const [, host = '', port, database = ''] = address
  if (host !== '') target.host = host.replace(/^\[|\]$/g, '')
  if (port !== undefined) target.port = Number(port)
  return { ...target, database: databaseOf(database, url) }
}

function decode(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : decodeURIComponent(text)
}

function databaseOf(text: string, url: string): number {
  if (text === '') return 0
  if (!/^[0-9]{1,4}$/.test(text)) throw new Error(`${url} names no database`)
  return Number(text)
}

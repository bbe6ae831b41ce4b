import { isIP } from 'node:net'

export type BackendAddress = {
  host: string
  port: number
  tls: boolean
}

/**
 * Where a backend URL points: Hipache reads host and port only, whatever the scheme (the port is 80 unless given, 443
 * for https); white space around it does not count; a bare `host:port` is http, as in planb. Undefined for what names
 * no host.
 */
export function backendAddress(url: string): BackendAddress | undefined {
  const match =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:[^/?#@]*@)?(\[[0-9a-f:.]+\]|[^/?#:@[\]\s\p{Cc}]+)(?::([0-9]{0,5}))?(?:[/?#].*)?$/iu.exec(
      url.trim(),
    )
  if (match === null) return undefined
  const [, scheme, host = '', port = ''] = match
  if (scheme === undefined && port === '') return undefined
  const tls = scheme?.toLowerCase() === 'https'
  const number = port === '' ? (tls ? 443 : 80) : Number(port)
  if (number < 1 || number > 65_535) return undefined
  return { host: host.replace(/^\[|\]$/g, ''), port: number, tls }
}

/** What node:tls connects by: a backend that has a name is asked for by it (RFC 6066, 3). */
export function tlsTo({ host, port }: BackendAddress): { host: string; port: number; servername?: string } {
  return isIP(host) === 0 ? { host, port, servername: host.replace(/\.$/, '') } : { host, port }
}

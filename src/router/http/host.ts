import { isIPv6, SocketAddress } from 'node:net'

const hostPattern = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?$/
const bracketed = /^\[[0-9a-f:.]+\]$/

/**
 * The host that routes are looked up by, from a Host field or an authority: lower case, without port and
 * trailing dot. Undefined for what is not `host[:port]`: userinfo, lists, wildcards, empty labels.
 */
export function routingHost(authority: string): string | undefined {
  const text = authority.toLowerCase()
  let host = text
  const bracket = text.lastIndexOf(']')
  const colon = text.indexOf(':', bracket + 1)
  if (colon !== -1) {
    const port = text.slice(colon + 1)
    if (!/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535) return undefined
    host = text.slice(0, colon)
  }
  if (bracket !== -1) {
    const address = host.slice(1, -1)
    return bracketed.test(host) && isIPv6(address) ? `[${canonicalIpv6(address)}]` : undefined
  }
  if (host.length > 254 || !hostPattern.test(host)) return undefined
  return host.endsWith('.') ? host.slice(0, -1) : host
}

/** One spelling for each address: `2001:DB8:0::7` is `2001:db8::7`. */
export function canonicalIpv6(address: string): string {
  return new SocketAddress({ address, family: 'ipv6' }).address
}

/** IPv4 in its plain form where Node says `::ffff:10.0.0.1`, and no zone. */
export function plainAddress(address: string): string {
  const zoneless = address.replace(/%.*$/, '')
  return zoneless.startsWith('::ffff:') && zoneless.includes('.') ? zoneless.slice(7) : zoneless
}

import { isIP } from 'node:net'
import { inOnePiece } from '../http/bytes.ts'
import { membersOf } from '../http/connection.ts'
import { plainAddress, routingHost } from '../http/host.ts'
import { type RequestHead } from '../http/request-head.ts'

/** What a client connection adds to each of its requests. */
export type Origin = {
  /** The client's address; IPv4 in its plain form. */
  address: string
  proto: 'http' | 'https'
  port: number
  /** The fields of the last request, which are those of the next one if it asks for the same; first of none. */
  last: { authority: string; fields: string }
}

export function originOf(address: string, { proto, port }: Pick<Origin, 'proto' | 'port'>): Origin {
  return { address, proto, port, last: { authority: '\n', fields: '' } }
}

/**
 * The head as the backend gets it: rebuilt from what was parsed, with where it came from in our own words. `trusts`:
 * which addresses are believed, where the peer is one of them.
 */
export function upstreamHead(
  head: RequestHead,
  origin: Origin,
  trusts: ((address: string) => boolean) | undefined,
  id: string,
): string {
  let { lines } = head
  if (head.upgrade !== '') lines += `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`
  if (head.expectsContinue) lines += 'Expect: 100-continue\r\n'
  if (trusts !== undefined) {
    return `${lines}${extendedFields(origin, head, trusts)}${head.requestId === '' ? id : head.requestId}\r\n\r\n`
  }
  const { last } = origin
  if (head.authority !== last.authority) {
    last.authority = head.authority
    last.fields = forwardedFields(origin, head.authority)
  }
  return `${lines}${last.fields}${id}\r\n\r\n`
}

function nodeName(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address
}

/**
 * Field lines about where a request came from, up to where its id is to stand, for a peer that is not believed: the
 * same for many requests.
 */
function forwardedFields(origin: Origin, authority: string): string {
  const { address, proto, port } = origin
  return inOnePiece(
    `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${authority}\r\n` +
      `X-Forwarded-Port: ${port}\r\nX-Real-IP: ${address}\r\n` +
      `Forwarded: for=${nodeName(address)};host="${authority}";proto=${proto}\r\nX-Request-Id: `,
  )
}

/** The same for a trusted proxy: what it says stands, and it is added to the chain. */
function extendedFields(origin: Origin, head: RequestHead, trusts: (address: string) => boolean): string {
  const { address, proto } = origin
  const { forwardedFor: chain } = head
  const known = realAddress(chain, trusts)
  return (
    `X-Forwarded-For: ${chain === '' ? '' : `${chain}, `}${address}\r\n` +
    `X-Forwarded-Proto: ${head.forwardedProto || proto}\r\n` +
    `X-Forwarded-Host: ${head.forwardedHost || head.authority}\r\n` +
    `X-Forwarded-Port: ${head.forwardedPort || portOf(origin, head)}\r\n` +
    `X-Real-IP: ${known || (chain === '' && head.realIp) || address}\r\n${head.forwardedOther}` +
    `Forwarded: ${forwardedOf(origin, head, known || address)}\r\nX-Request-Id: `
  )
}

/** The port that the scheme of a trusted proxy stands for, unless one is named with the host. */
function portOf(
  { port }: Origin,
  { forwardedProto, forwardedHost, authority }: RequestHead,
): string | number {
  if (forwardedProto === '' && forwardedHost === '') return port
  const named = /:([0-9]{1,5})$/.exec(forwardedHost || authority)?.[1]
  if (named !== undefined) return named
  const proto = forwardedProto.toLowerCase()
  return proto === 'https' ? 443 : proto === 'http' ? 80 : port
}

/** Extended, or made from the X-Forwarded-… of a trusted proxy that sends no other (RFC 7239, 7.4). */
function forwardedOf({ address, proto }: Origin, head: RequestHead, real: string): string {
  const element = (from: string, host: string, scheme: string): string =>
    `for=${nodeName(from)};host="${host}";proto=${scheme}`
  const own = element(address, head.authority, proto)
  if (head.forwarded !== '') return `${head.forwarded}, ${own}`
  if (head.forwardedFor + head.forwardedProto + head.forwardedHost === '') return own
  const host = routingHost(head.forwardedHost) === undefined ? head.authority : head.forwardedHost
  const scheme = /^https?$/i.test(head.forwardedProto) ? head.forwardedProto.toLowerCase() : proto
  const said = element(real, host, scheme)
  return real === address ? said : `${said}, for=${nodeName(address)}`
}

/**
 * Who a chain of addresses began with, as far as it can be believed: the last one that is not a trusted proxy, else the
 * first. '' without a chain. (What a trusted proxy passed on as X-Real-IP may be its client's own word.)
 */
export function realAddress(chain: string, trusts: (address: string) => boolean): string {
  let known = ''
  for (const text of membersOf(chain).reverse()) {
    const address = addressIn(text)
    if (address === undefined) break
    known = address
    if (!trusts(address)) break
  }
  return known
}

/**
 * Who asks, if that can be believed; `trusts`: undefined where the peer, at `address`, is not. Undefined: a proxy asks for
 * somebody, and is not believed or says what cannot be understood.
 */
export function clientOf(
  { forwardedFor, forwarded, realIp }: RequestHead,
  address: string,
  trusts: ((address: string) => boolean) | undefined,
): string | undefined {
  // A proxy that is not believed asks for others too, as does one that says so in other words, which some pass on.
  if (trusts === undefined || forwardedFor === '')
    return forwardedFor + forwarded + realIp === '' ? address : undefined
  const understood = membersOf(forwardedFor).every((text) => addressIn(text) !== undefined)
  return understood ? realAddress(forwardedFor, trusts) : undefined
}

/** The address of an entry of a chain, which some proxies write with a port. */
function addressIn(entry: string): string | undefined {
  const text = entry.trim()
  const [, v6, v4] = /^(?:\[([^\]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+)$/.exec(text) ?? []
  const address = plainAddress(v6 ?? v4 ?? text)
  return isIP(address) === 0 ? undefined : address
}

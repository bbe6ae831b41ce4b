import { inOnePiece } from '../http/bytes.ts'
import { type RequestHead } from '../http/request-head.ts'

/** What a client connection adds to each of its requests. */
export type Origin = {
  /** The client's address; IPv4 in its plain form. */
  address: string
  proto: 'http' | 'https'
  port: number
}

function nodeName(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address
}

/**
 * Field lines about where a request came from, up to where its id is to stand, for a peer that is not believed: the
 * same for many requests.
 */
export function forwardedFields(origin: Origin, authority: string): string {
  const { address, proto, port } = origin
  return inOnePiece(
    `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${authority}\r\n` +
      `X-Forwarded-Port: ${port}\r\nX-Real-IP: ${address}\r\n` +
      `Forwarded: for=${nodeName(address)};host="${authority}";proto=${proto}\r\nX-Request-Id: `,
  )
}

/** The same for a trusted proxy: what it says stands, and it is added to the chain. */
export function extendedFields(origin: Origin, head: RequestHead): string {
  const { address, proto, port } = origin
  const chain = (before: string, own: string): string => (before === '' ? own : `${before}, ${own}`)
  return (
    `X-Forwarded-For: ${chain(head.forwardedFor, address)}\r\n` +
    `X-Forwarded-Proto: ${head.forwardedProto || proto}\r\n` +
    `X-Forwarded-Host: ${head.forwardedHost || head.authority}\r\n` +
    `X-Forwarded-Port: ${head.forwardedPort || port}\r\n` +
    `X-Real-IP: ${head.realIp || address}\r\n${head.forwardedOther}` +
    `Forwarded: ${chain(head.forwarded, `for=${nodeName(address)};host="${head.authority}";proto=${proto}`)}\r\nX-Request-Id: `
  )
}

/** IPv4 in its plain form where Node says `::ffff:10.0.0.1`, and no zone. */
export function plainAddress(address: string): string {
  const zoneless = address.replace(/%.*$/, '')
  return zoneless.startsWith('::ffff:') && zoneless.includes('.') ? zoneless.slice(7) : zoneless
}

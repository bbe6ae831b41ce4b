import { BlockList, isIP } from 'node:net'
import { PaasError } from '../../errors/paas-error.ts'
import { latin1 } from '../http/bytes.ts'
import { canonicalIpv6 } from '../http/host.ts'

/** The longest v1 line and v2 header that are accepted; in the latter there may be a certificate. */
const maxLineBytes = 107
const maxHeaderBytes = 4096
const v2Signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])

/**
 * What a PROXY protocol header (v1 or v2) says. `length` 0: incomplete. Undefined: malformed. `address`
 * undefined: the proxy speaks for itself (`local`), or for somebody it does not name.
 */
export type ProxyHeader = { length: number; address: string | undefined; local: boolean }

/** More of it is to come. */
export const incomplete: ProxyHeader = { length: 0, address: undefined, local: false }

/** Reads the header at the beginning of a connection from a trusted proxy. */
export function parseProxyHeader(buf: Buffer, from: number, end: number): ProxyHeader | undefined {
  const bytes = buf.subarray(from, end)
  const signed = Math.min(bytes.length, v2Signature.length)
  if (bytes.subarray(0, signed).equals(v2Signature.subarray(0, signed))) return parseV2(bytes)
  return parseV1(bytes)
}

/** Whether a connection begins with a header at all; undefined while that cannot be said. */
export function hasProxyHeader(buf: Buffer, from: number, end: number): boolean | undefined {
  const bytes = buf.subarray(from, Math.min(end, from + 12))
  const v1 = Buffer.from('PROXY ')
  for (const signature of [v1, v2Signature]) {
    const length = Math.min(bytes.length, signature.length)
    if (!bytes.subarray(0, length).equals(signature.subarray(0, length))) continue
    if (length === signature.length) return true
    return undefined
  }
  return false
}

function parseV1(bytes: Buffer): ProxyHeader | undefined {
  const lineEnd = bytes.indexOf('\r\n')
  if ((lineEnd === -1 ? bytes.length : lineEnd + 2) > maxLineBytes) return undefined
  if (lineEnd === -1) return incomplete
  const length = lineEnd + 2
  const line = latin1(bytes, 0, lineEnd)
  if (/^PROXY UNKNOWN(?: [ -~]*)?$/.test(line)) return { length, address: undefined, local: false }
  const match =
    /^PROXY TCP([46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4})$/.exec(line)
  if (match === null) return undefined
  const [, family, source = '', target = '', ...ports] = match
  if (isIP(source) !== Number(family) || isIP(target) !== Number(family)) return undefined
  if (ports.some((port) => Number(port) > 65_535)) return undefined
  return { length, address: family === '4' ? source : canonicalIpv6(source), local: false }
}

function parseV2(bytes: Buffer): ProxyHeader | undefined {
  if (bytes.length < 16) return incomplete
  const versionAndCommand = bytes[12]!
  const [family, transport] = [bytes[13]! >> 4, bytes[13]! & 15]
  const length = 16 + bytes.readUInt16BE(14)
  if (versionAndCommand >> 4 !== 2 || (versionAndCommand & 15) > 1 || length > maxHeaderBytes)
    return undefined
  const local = (versionAndCommand & 15) === 0
  if (!local && (family > 3 || transport > 2)) return undefined
  if (bytes.length < length) return incomplete
  const unnamed: ProxyHeader = { length, address: undefined, local }
  if (local || transport === 0 || family === 0 || family === 3) return unnamed
  if (length < (family === 1 ? 28 : 52)) return undefined
  if (family === 1) return { ...unnamed, address: bytes.subarray(16, 20).join('.') }
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(16 + 2 * i).toString(16))
  return { ...unnamed, address: canonicalIpv6(groups.join(':')) }
}

/** Which peers are believed, from addresses and CIDR ranges. Throws INVALID_INPUT on what is neither. */
export function trustedPeers(ranges: readonly string[]): (address: string) => boolean {
  if (ranges.length === 0) return () => false
  const list = new BlockList()
  for (const range of ranges) {
    const [, address = '', bits] = /^([^/%]+)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(range) ?? []
    const family = isIP(address)
    const most = family === 4 ? 32 : 128
    const prefix = bits === undefined ? most : Number(bits)
    if (family === 0 || prefix > most) {
      throw new PaasError('INVALID_INPUT', `${range} is not an address or a CIDR range.`, {
        hint: 'A trusted proxy looks like 10.0.0.5, 10.0.0.0/8 or fd00::/8.',
      })
    }
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}

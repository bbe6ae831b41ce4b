import { BlockList, isIP } from 'node:net'
import { latin1 } from '../http/bytes.ts'

/** The longest v1 line (107) and v2 header (16 + 536) that are accepted. */
const maxHeaderBytes = 552
const v2Signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])

/**
 * What a PROXY protocol header (v1 or v2) says. `length` 0: incomplete. Undefined: malformed. `address`
 * undefined: the proxy speaks for itself (LOCAL, UNKNOWN).
 */
export type ProxyHeader = { length: number; address: string | undefined }

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
  if (lineEnd === -1) return bytes.length > 107 ? undefined : { length: 0, address: undefined }
  const length = lineEnd + 2
  const line = latin1(bytes, 0, lineEnd)
  if (/^PROXY UNKNOWN(?: [ -~]*)?$/.test(line)) return { length, address: undefined }
  const match = /^PROXY TCP([46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) ([0-9]{1,5}) ([0-9]{1,5})$/.exec(line)
  if (match === null) return undefined
  const [, family, source = '', target = ''] = match
  if (isIP(source) !== Number(family) || isIP(target) !== Number(family)) return undefined
  return { length, address: source.toLowerCase() }
}

function parseV2(bytes: Buffer): ProxyHeader | undefined {
  if (bytes.length < 16) return { length: 0, address: undefined }
  const versionAndCommand = bytes[12]!
  const family = bytes[13]!
  const length = 16 + bytes.readUInt16BE(14)
  if (versionAndCommand >> 4 !== 2 || (versionAndCommand & 15) > 1 || length > maxHeaderBytes)
    return undefined
  if (bytes.length < length) return { length: 0, address: undefined }
  const local = (versionAndCommand & 15) === 0
  if (!local && family === 0x11 && length >= 28) return { length, address: bytes.subarray(16, 20).join('.') }
  if (!local && family === 0x21 && length >= 52) {
    const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(16 + 2 * i).toString(16))
    return { length, address: groups.join(':') }
  }
  return { length, address: undefined }
}

/** Which peers are believed, from addresses and CIDR ranges. Throws on what is neither. */
export function trustedPeers(ranges: readonly string[]): (address: string) => boolean {
  if (ranges.length === 0) return () => false
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address)
    const prefix = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits)
    if (family === 0 || !Number.isInteger(prefix))
      throw new Error(`${range} is not an address or a CIDR range`)
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}

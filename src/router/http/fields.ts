import { COLON, CR, HTAB, isValueByte, LF, SP, tokenByte } from './bytes.ts'

/** The fields that the router itself acts on. Every other field is `other` and is passed on as it is. */
export const field = {
  other: 0,
  host: 1,
  connection: 2,
  contentLength: 3,
  transferEncoding: 4,
  upgrade: 5,
  expect: 6,
  /** Hop-by-hop or harmful: never passed on. */
  hop: 7,
  // From here to `debug`: believed from trusted proxies only.
  forwardedFor: 8,
  forwardedProto: 9,
  forwardedHost: 10,
  forwardedPort: 11,
  forwarded: 12,
  realIp: 13,
  requestId: 14,
  /** Any other `X-Forwarded-…`. */
  forwardedOther: 15,
  debug: 16,
  cookie: 17,
  referer: 18,
  userAgent: 19,
  keepAlive: 20,
  retryAfter: 21,
  date: 22,
  authorization: 23,
} as const

const names: Record<string, number> = {
  host: field.host,
  connection: field.connection,
  'content-length': field.contentLength,
  'transfer-encoding': field.transferEncoding,
  upgrade: field.upgrade,
  expect: field.expect,
  'keep-alive': field.keepAlive,
  te: field.hop,
  trailer: field.hop,
  'proxy-connection': field.hop,
  'proxy-authenticate': field.hop,
  'proxy-authorization': field.hop,
  'http2-settings': field.hop,
  // CGI turns it into HTTP_PROXY, which clients inside the app obey (CVE-2016-5385).
  proxy: field.hop,
  // gunicorn takes SCRIPT_NAME for where the app is mounted, when it comes from a proxy that it believes.
  'script-name': field.hop,
  'x-forwarded-for': field.forwardedFor,
  'x-forwarded-proto': field.forwardedProto,
  'x-forwarded-host': field.forwardedHost,
  'x-forwarded-port': field.forwardedPort,
  'x-forwarded': field.forwardedOther,
  forwarded: field.forwarded,
  'x-real-ip': field.realIp,
  'x-request-id': field.requestId,
  cookie: field.cookie,
  referer: field.referer,
  'user-agent': field.userAgent,
  'x-debug': field.debug,
  'retry-after': field.retryAfter,
  date: field.date,
  authorization: field.authorization,
}

/** Candidates by length and first letter, so that most names are told apart by one look-up. */
const candidates = new Map<number, { bytes: Buffer; kind: number }[]>()
for (const [name, kind] of Object.entries(names)) {
  const bytes = Buffer.from(name)
  const key = (bytes.length << 8) | bytes[0]!
  candidates.set(key, [...(candidates.get(key) ?? []), { bytes, kind }])
}
const longestName = Math.max(...Object.keys(names).map((name) => name.length))
const bySlot = Array.from({ length: (longestName + 1) << 8 }, (_, key) => candidates.get(key))

const forwardedPrefix = Buffer.from('x-forwarded-')

function kindOf(buf: Buffer, start: number, end: number): number {
  const length = end - start
  const first = tokenByte[buf[start]!]!
  const slot = length > longestName ? undefined : bySlot[(length << 8) | first]
  if (slot !== undefined) {
    for (const candidate of slot) {
      let i = 1
      while (i < length && tokenByte[buf[start + i]!] === candidate.bytes[i]) i += 1
      if (i === length) return candidate.kind
    }
  }
  return first === forwardedPrefix[0] && isForwarded(buf, start, length) ? field.forwardedOther : field.other
}

function isForwarded(buf: Buffer, start: number, length: number): boolean {
  if (length < forwardedPrefix.length) return false
  for (let i = 1; i < forwardedPrefix.length; i += 1) {
    if (tokenByte[buf[start + i]!] !== forwardedPrefix[i]) return false
  }
  return true
}

/** What scanFields returns besides an offset. */
export const scan = { incomplete: 0, malformed: -1, tooMany: -2 } as const

/** Where the fields of one head are in its bytes; one object serves head after head. */
export class FieldScan {
  count = 0
  /** More fields are too many. */
  readonly max: number
  readonly kinds: Uint8Array
  readonly starts: Int32Array
  readonly nameEnds: Int32Array
  readonly valueStarts: Int32Array
  readonly valueEnds: Int32Array
  /** After the CRLF of the line. */
  readonly ends: Int32Array

  constructor(max: number) {
    this.max = max
    this.kinds = new Uint8Array(max)
    this.starts = new Int32Array(max)
    this.nameEnds = new Int32Array(max)
    this.valueStarts = new Int32Array(max)
    this.valueEnds = new Int32Array(max)
    this.ends = new Int32Array(max)
  }
}

/** Whether a field is believed from trusted proxies only (`field` has them in a row). */
export function isOfProxies(kind: number): boolean {
  return kind >= field.forwardedFor && kind <= field.debug
}

/** Whether a scanned field has one space before its value and none behind it. */
export function isPlain(fields: FieldScan, i: number, buf: Buffer): boolean {
  const colon = fields.nameEnds[i]!
  return (
    fields.valueStarts[i] === colon + 2 &&
    buf[colon + 1] === SP &&
    fields.valueEnds[i] === fields.ends[i]! - 2
  )
}

/**
 * Scans field lines up to and with the empty line (RFC 9112, 5), refusing everything that two readers could
 * understand differently: a bare CR or LF, a folded line, space around a name, control bytes. Returns the
 * offset after the empty line or one of `scan`.
 */
export function scanFields(fields: FieldScan, buf: Buffer, from: number, end: number): number {
  let pos = from
  fields.count = 0
  for (;;) {
    if (pos >= end) return scan.incomplete
    if (buf[pos] === CR) {
      if (pos + 1 >= end) return scan.incomplete
      return buf[pos + 1] === LF ? pos + 2 : scan.malformed
    }
    const start = pos
    while (pos < end && tokenByte[buf[pos]!] !== 0) pos += 1
    if (pos >= end) return scan.incomplete
    if (pos === start || buf[pos] !== COLON) return scan.malformed
    const nameEnd = pos
    pos += 1
    while (pos < end && (buf[pos] === SP || buf[pos] === HTAB)) pos += 1
    const valueStart = pos
    while (pos < end && isValueByte(buf[pos]!)) pos += 1
    if (pos >= end) return scan.incomplete
    if (buf[pos] !== CR) return scan.malformed
    if (pos + 1 >= end) return scan.incomplete
    if (buf[pos + 1] !== LF) return scan.malformed
    let valueEnd = pos
    while (valueEnd > valueStart && (buf[valueEnd - 1] === SP || buf[valueEnd - 1] === HTAB)) valueEnd -= 1
    pos += 2
    const index = fields.count
    if (index === fields.max) return scan.tooMany
    fields.kinds[index] = kindOf(buf, start, nameEnd)
    fields.starts[index] = start
    fields.nameEnds[index] = nameEnd
    fields.valueStarts[index] = valueStart
    fields.valueEnds[index] = valueEnd
    fields.ends[index] = pos
    fields.count = index + 1
  }
}

import { CR, latin1, LF, SP, startsWith, valueByte } from './bytes.ts'
import { field, FieldScan, scan, scanFields } from './fields.ts'
import { contentLengthOf, framing, type Framing, withoutFields } from './request-head.ts'

export const maxResponseHeadBytes = 64 * 1024
/** Up to this size a head is decoded together with what came behind it: twice as much is not twice as dear. */
const textBytes = 4096

/** A parsed response head. One object serves response after response. */
export class ResponseHead {
  readonly scan = new FieldScan()
  status = 0
  minor = 1
  /** Whether the backend leaves the connection open. */
  keepAlive = true
  /** Seconds from `Keep-Alive: timeout=`, or -1. */
  keepAliveSeconds = -1
  /** By the fields alone; the request's method may forbid a body. */
  framing: Framing = framing.untilClose
  contentLength = 0
  upgrade = ''
  retryAfter = false
  /**
   * The status line, as clients get it, and the field lines to pass on, each with its CRLF: the framing fields are
   * among them, those of the connection are not.
   */
  lines = ''
  /** What came behind the head in the same read, where the two are small; else ''. */
  rest = ''
}

/** Parses a head. Returns the offset after it, 0 when it is incomplete, -1 when it must not be passed on. */
export function parseResponseHead(head: ResponseHead, buf: Buffer, from: number, end: number): number {
  if (end - from < 13) {
    return 'HTTP/1.'.startsWith(latin1(buf, from, Math.min(end, from + 7))) ? 0 : -1
  }
  // "HTTP/1.x SSS", then an end of line or a space and the reason.
  if (!startsWith(buf, from, 'HTTP/1.') || buf[from + 8] !== SP) return -1
  const minor = buf[from + 7]! - 0x30
  if (minor !== 0 && minor !== 1) return -1
  const hundreds = buf[from + 9]! - 0x30
  const tens = buf[from + 10]! - 0x30
  const ones = buf[from + 11]! - 0x30
  if (hundreds < 1 || hundreds > 5 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return -1
  let pos = from + 12
  if (buf[pos] === SP) pos += 1
  else if (buf[pos] !== CR) return -1
  const reasonStart = pos
  while (pos < end && valueByte[buf[pos]!] === 1) pos += 1
  if (pos + 1 >= end) return 0
  if (buf[pos] !== CR || buf[pos + 1] !== LF) return -1
  const fieldsEnd = scanFields(head.scan, buf, pos + 2, end)
  if (fieldsEnd === scan.incomplete) return 0
  if (fieldsEnd < 0) return -1
  head.minor = minor
  head.status = hundreds * 100 + tens * 10 + ones
  const text = latin1(buf, from, end - from <= textBytes ? end : fieldsEnd)
  head.rest = text.slice(fieldsEnd - from)
  if (!readFields(head, text, from, fieldsEnd)) return -1
  // Clients get a version of our own, and RFC 9112, 4, wants a space before an empty reason too.
  if (minor === 0 || buf[from + 12] === CR) {
    head.lines = `HTTP/1.1 ${head.status} ${head.lines.slice(reasonStart - from)}`
  }
  return fieldsEnd
}

function readFields(head: ResponseHead, text: string, base: number, end: number): boolean {
  const { scan: fields } = head
  let transferEncoding: string | undefined
  let contentLength: string | undefined
  let connection = ''
  head.keepAliveSeconds = -1
  head.upgrade = ''
  head.retryAfter = false
  let kept = ''
  let keepFrom = 0
  for (let i = 0; i < fields.count; i += 1) {
    const kind = fields.kinds[i]!
    if (kind === field.other) continue
    const value = text.slice(fields.valueStarts[i]! - base, fields.valueEnds[i]! - base)
    switch (kind) {
      case field.connection:
        connection = connection === '' ? value : `${connection},${value}`
        break
      case field.contentLength:
        if (contentLength !== undefined) return false
        contentLength = value
        continue
      case field.transferEncoding:
        if (transferEncoding !== undefined) return false
        transferEncoding = value
        continue
      case field.upgrade:
        head.upgrade = value
        break
      case field.keepAlive:
        head.keepAliveSeconds = Number(/(?:^|[\s,])timeout=([0-9]{1,6})(?:$|[\s,])/i.exec(value)?.[1] ?? -1)
        break
      case field.hop:
        break
      default:
        if (kind === field.retryAfter) head.retryAfter = true
        continue
    }
    const lineStart = fields.starts[i]! - base
    if (lineStart > keepFrom) kept += text.slice(keepFrom, lineStart)
    keepFrom = fields.ends[i]! - base
  }
  const fieldsEnd = end - base - 2
  head.lines = fieldsEnd > keepFrom ? kept + text.slice(keepFrom, fieldsEnd) : kept

  head.keepAlive = head.minor === 1
  if (connection === 'keep-alive') head.keepAlive = true
  else if (connection === 'close') head.keepAlive = false
  else if (connection !== '') readConnection(head, connection)
  head.contentLength = 0
  if (transferEncoding !== undefined) {
    head.framing = framing.chunked
    return contentLength === undefined && head.minor === 1 && transferEncoding.toLowerCase() === 'chunked'
  }
  if (contentLength !== undefined) {
    head.framing = framing.length
    const length = contentLengthOf(contentLength)
    if (length === undefined) return false
    head.contentLength = length
    return true
  }
  head.framing = framing.untilClose
  return true
}

function readConnection(head: ResponseHead, connection: string): void {
  const tokens = connection
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
  if (tokens.includes('keep-alive')) head.keepAlive = true
  if (tokens.includes('close')) head.keepAlive = false
  const nominated = tokens.filter(
    (token) => !['', 'keep-alive', 'close', 'content-length', 'transfer-encoding'].includes(token),
  )
  if (nominated.some((token) => token !== 'upgrade')) head.lines = withoutFields(head.lines, nominated)
}

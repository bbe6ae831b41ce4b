import { CR, HYPHEN, isText, isValueByte, latin1, LF, SP, startsWith } from './bytes.ts'
import { field, FieldScan, scan, scanFields } from './fields.ts'
import { withoutFields } from './connection.ts'
import { contentLengthOf, framing, type Framing } from './framing.ts'

export const maxResponseHeadBytes = 64 * 1024
/** More than of a request, as each cookie that is set has a field of its own. */
const maxResponseFields = 1000
/** Up to this size a head is decoded together with what came behind it: twice as much is not twice as dear. */
const textBytes = 4096

/** A parsed response head. One object serves response after response. */
export class ResponseHead {
  readonly scan = new FieldScan(maxResponseFields)
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
  /** Connection says so. */
  upgrades = false
  retryAfter = false
  /** It has a Date. */
  dated = false
  /**
   * The head as clients get it, with the framing fields but without those of the connection, and, where the two are
   * small, what came behind it in the same read.
   */
  text = ''
  /** Of the status line and the field lines in `text`, each with its CRLF; then comes the empty line. */
  linesLength = 0

  get lines(): string {
    return this.text.slice(0, this.linesLength)
  }

  /** Lines, the empty line, and nothing else. */
  get alone(): string {
    return this.text.slice(0, this.linesLength + 2)
  }

  /** What is in `text` behind the head. */
  get rest(): string {
    return this.text.slice(this.linesLength + 2)
  }

  get restLength(): number {
    return this.text.length - this.linesLength - 2
  }
}

/**
 * Parses a head. Returns the offset after it, 0 when it is incomplete, -1 when it must not be passed on. What is not
 * passed on is taken out in `buf` itself, so that all the rest is one piece of text and never put together.
 */
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
  while (pos < end && isValueByte(buf[pos]!)) pos += 1
  if (pos + 1 >= end) return 0
  if (buf[pos] !== CR || buf[pos + 1] !== LF) return -1
  const fieldsEnd = scanFields(head.scan, buf, pos + 2, end)
  if (fieldsEnd === scan.incomplete) return 0
  if (fieldsEnd < 0) return -1
  head.minor = minor
  head.status = hundreds * 100 + tens * 10 + ones
  const connection = readFields(head, buf)
  if (connection === undefined) return -1
  // Clients get a version of our own.
  buf[from + 7] = 0x31
  const start = withoutDropped(head.scan, buf, from)
  head.text = latin1(buf, start, end - from <= textBytes ? end : fieldsEnd)
  head.linesLength = fieldsEnd - start - 2
  // RFC 9112, 4, wants a space before an empty reason too.
  if (buf[start + 12] === CR) setLines(head, `${head.text.slice(0, 12)} ${head.lines.slice(12)}`)
  readConnection(head, connection)
  return fieldsEnd
}

/** Sets what the fields mean. Returns the value of Connection, '' without one, or undefined for a head to refuse. */
function readFields(head: ResponseHead, buf: Buffer): string | undefined {
  const { scan: fields } = head
  let transferEncoding: string | undefined
  let contentLength: number | undefined
  let connection = ''
  head.keepAliveSeconds = -1
  head.upgrade = ''
  head.retryAfter = head.dated = false
  for (let i = 0; i < fields.count; i += 1) {
    const kind = fields.kinds[i]!
    if (kind === field.other) continue
    const from = fields.valueStarts[i]!
    const to = fields.valueEnds[i]!
    switch (kind) {
      case field.connection: {
        const value = isText(buf, from, to, 'keep-alive') ? 'keep-alive' : latin1(buf, from, to)
        connection = connection === '' ? value : `${connection},${value}`
        break
      }
      case field.contentLength:
        if (contentLength !== undefined || isMisspelt(fields, i, buf, 'content')) return undefined
        contentLength = contentLengthOf(buf, from, to)
        if (contentLength === undefined) return undefined
        break
      case field.transferEncoding:
        if (transferEncoding !== undefined || isMisspelt(fields, i, buf, 'transfer')) return undefined
        transferEncoding = latin1(buf, from, to)
        break
      case field.upgrade:
        head.upgrade = latin1(buf, from, to)
        break
      case field.keepAlive: {
        if (isMisspelt(fields, i, buf, 'keep')) break
        const seconds = /(?:^|[\s,])timeout=([0-9]{1,6})(?:$|[\s,])/i.exec(latin1(buf, from, to))?.[1]
        head.keepAliveSeconds = Number(seconds ?? -1)
        break
      }
      case field.date:
        head.dated = true
        break
      case field.retryAfter:
        if (!isMisspelt(fields, i, buf, 'retry')) head.retryAfter = true
        break
    }
  }
  head.contentLength = contentLength ?? 0
  if (transferEncoding !== undefined) {
    head.framing = framing.chunked
    const valid =
      contentLength === undefined && head.minor === 1 && transferEncoding.toLowerCase() === 'chunked'
    return valid ? connection : undefined
  }
  head.framing = contentLength === undefined ? framing.untilClose : framing.length
  return connection
}

/**
 * Whether the field of two words, of which this is the first, has no `-` between them. To clients it is another field
 * then: where it frames the body they would read another one than we do, and elsewhere it means nothing.
 */
function isMisspelt(fields: FieldScan, i: number, buf: Buffer, firstWord: string): boolean {
  return buf[fields.starts[i]! + firstWord.length] !== HYPHEN
}

/** Whether a field is about the connection that it came on. */
function isDropped(kind: number): boolean {
  return kind === field.connection || kind === field.keepAlive || kind === field.upgrade || kind === field.hop
}

/** Moves what precedes each line that is not passed on to that line's end; returns where the head begins then. */
function withoutDropped(fields: FieldScan, buf: Buffer, from: number): number {
  let start = from
  for (let i = 0; i < fields.count; i += 1) {
    if (!isDropped(fields.kinds[i]!)) continue
    const line = fields.starts[i]!
    const length = fields.ends[i]! - line
    buf.copyWithin(start + length, start, line)
    start += length
  }
  return start
}

function setLines(head: ResponseHead, lines: string): void {
  head.text = lines + head.text.slice(head.linesLength)
  head.linesLength = lines.length
}

function readConnection(head: ResponseHead, connection: string): void {
  head.upgrades = false
  head.keepAlive = connection === 'keep-alive' || (connection !== 'close' && head.minor === 1)
  if (connection === '' || connection === 'keep-alive' || connection === 'close') return
  const tokens = connection
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
  if (tokens.includes('keep-alive')) head.keepAlive = true
  if (tokens.includes('close')) head.keepAlive = false
  head.upgrades = tokens.includes('upgrade')
  const nominated = tokens.filter(
    (token) => !['', 'keep-alive', 'close', 'content-length', 'transfer-encoding'].includes(token),
  )
  if (nominated.every((token) => token === 'upgrade')) return
  if (nominated.includes('date')) head.dated = false
  // Not of the status line, which might look like one of them.
  const fieldsAt = head.lines.indexOf('\n') + 1
  setLines(head, head.lines.slice(0, fieldsAt) + withoutFields(head.lines.slice(fieldsAt), nominated))
}

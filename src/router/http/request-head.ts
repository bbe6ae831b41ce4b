import {
  CR,
  HYPHEN,
  inOnePiece,
  isText,
  latin1,
  LF,
  methodByte,
  SP,
  startsWith,
  targetByte,
  tokenByte,
} from './bytes.ts'
import { readConnection, withoutFields } from './connection.ts'
import { contentLengthOf, framing, type Framing } from './framing.ts'
import { field, FieldScan, isOfProxies, isPlain, scan, scanFields } from './fields.ts'
import { routingHost } from './host.ts'

export const maxTargetBytes = 8 * 1024
export const maxFieldBytes = 16 * 1024
const maxMethodBytes = 32
const maxFields = 100

/**
 * A parsed request head. One object serves request after request, so whoever needs a value longer copies it.
 */
export class RequestHead {
  readonly scan = new FieldScan(maxFields)
  method = ''
  /** Origin-form, or `*`. */
  target = ''
  /** What routes are looked up by. */
  host = ''
  /** What the backend gets as Host: the client's own, or the target's authority where it has one. */
  authority = ''
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  minor = 1
  /** What the client wants after the response. */
  keepAlive = true
  framing: Framing = framing.none
  contentLength = 0
  expectsContinue = false
  /** The protocols offered in Upgrade, as a list, where one can be granted; else ''. */
  upgrade = ''
  /**
   * The request line, as the backend gets it, and the field lines to pass on, in the client's order and spelling,
   * each with its CRLF.
   */
  lines = ''
  /** The client's own word on where the request came from; believed from trusted proxies only. */
  forwardedFor = ''
  forwarded = ''
  forwardedProto = ''
  forwardedHost = ''
  forwardedPort = ''
  /** Field lines of X-Forwarded-… besides the above. */
  forwardedOther = ''
  realIp = ''
  requestId = ''
  cookie = ''
  referer = ''
  userAgent = ''
  debug = false
  /** It authenticates not itself but its connection, as NTLM and mostly Negotiate do (RFC 4559, 6). */
  bindsConnection = false
  /** Why the head was refused. */
  reason = ''
}

/** An authority and its host: those that a connection asked for last, because the next ones are mostly the same. */
export type KnownHost = { authority: string; host: string }

/** What no field can be. */
export const noHost = (): KnownHost => ({ authority: '\n', host: '' })

/** Codings that somebody may know, and `chunked` once, at the end (RFC 9112, 6.1). */
const otherCodings = /^(?:(?!(?:chunked|identity)[ \t,])[\w!#$%&'*+.^`|~-]+[ \t]*,[ \t]*)+chunked$/i

/** Whether what begins here, though it may not be a request, is a HEAD, whose answer has no body. */
export function isHead(buf: Buffer, from: number, end: number): boolean {
  return /^(?:\r\n)?HEAD /.test(latin1(buf, from, Math.min(end, from + 7)))
}

/**
 * Parses a head. Returns the offset after it, 0 when it is incomplete, or the negative status to refuse with. `known` is
 * of the connection, and becomes what this head asks for.
 */
export function parseRequestHead(
  head: RequestHead,
  buf: Buffer,
  from: number,
  end: number,
  known: KnownHost,
): number {
  let pos = from
  // RFC 9112, 2.2: one empty line before a request is a habit of old clients. It may arrive in halves.
  if (buf[pos] === CR) {
    if (pos + 1 >= end) return 0
    if (buf[pos + 1] === LF) pos += 2
  }
  const start = pos
  head.debug = false

  while (pos < end && methodByte[buf[pos]!] === 1) pos += 1
  if (pos - start > maxMethodBytes) return refuse(head, 400, 'the method is too long')
  if (pos >= end) return 0
  if (pos === start || buf[pos] !== SP) return refuse(head, 400, 'the method is malformed')
  const methodEnd = pos
  pos += 1
  const targetStart = pos
  while (pos < end && targetByte[buf[pos]!] === 1) pos += 1
  if (pos - targetStart > maxTargetBytes) return refuse(head, 414, 'the target is too long')
  if (pos >= end) return 0
  if (pos === targetStart || buf[pos] !== SP) return refuse(head, 400, 'the target is malformed')
  const targetEnd = pos
  pos += 1
  if (end - pos < 10) return partialVersion(head, buf, pos, end)
  if (startsWith(buf, pos, 'HTTP/1.1\r\n')) head.minor = 1
  else if (startsWith(buf, pos, 'HTTP/1.0\r\n')) head.minor = 0
  else {
    const other = /^HTTP\/(?:[2-9]\.[0-9]|1\.[2-9])\r\n$/.test(latin1(buf, pos, pos + 10))
    // The preface of HTTP/2 is no request of another version, but another language.
    if (other && latin1(buf, start, methodEnd) !== 'PRI')
      return refuse(head, 505, 'the version is not supported')
    return refuse(head, 400, 'the version is malformed')
  }
  pos += 10

  const fieldsEnd = scanFields(head.scan, buf, pos, end)
  if (fieldsEnd === scan.malformed) return refuse(head, 400, 'a header field is malformed')
  if (fieldsEnd === scan.tooMany) return refuse(head, 431, 'there are too many header fields')
  if ((fieldsEnd === scan.incomplete ? end : fieldsEnd) - pos > maxFieldBytes) {
    return refuse(head, 431, 'the header is too long')
  }
  if (fieldsEnd === scan.incomplete) return 0

  const text = latin1(buf, start, fieldsEnd - 2)
  head.method = methodOf(text, methodEnd - start)
  if (head.method === 'CONNECT' || head.method === 'TRACE') {
    return refuse(head, 405, 'the method is not allowed')
  }
  const status = readFields(head, buf, text, start, pos - start, known)
  if (status !== 0) return -status
  const target = text.slice(targetStart - start, targetEnd - start)
  const problem = readTarget(head, target, known)
  if (problem !== '') return refuse(head, 400, problem)
  if (head.minor === 0 || head.target !== target) {
    const lineEnd = head.lines.indexOf('\n') + 1
    head.lines = `${head.method} ${head.target} HTTP/1.1\r\n${head.lines.slice(lineEnd)}`
  }
  if (head.expectsContinue && head.minor === 0) head.expectsContinue = false
  return fieldsEnd
}

function methodOf(text: string, length: number): string {
  if (length === 3 && text.startsWith('GET')) return 'GET'
  if (length === 4 && text.startsWith('POST')) return 'POST'
  return text.slice(0, length)
}

function refuse(head: RequestHead, status: number, reason: string): number {
  head.reason = reason
  return -status
}

/** A version that has not arrived whole is refused as soon as it cannot become one. */
function partialVersion(head: RequestHead, buf: Buffer, pos: number, end: number): number {
  const text = latin1(buf, pos, end)
  const lineEnd = text.indexOf('\n')
  const shape = 'HTTP/1.1\r\n'
  if (lineEnd !== -1 || !/^[HTP/0-9.\r]*$/.test(text) || !shape.startsWith(text.slice(0, 5))) {
    return refuse(head, 400, 'the version is malformed')
  }
  return 0
}

/**
 * Goes through the scanned fields: sets what they mean and which are passed on, where the client had them. Those that
 * mean something here have one form, whatever white space they came with. `text` is the head without its empty line,
 * from the offset `base` on. Returns 0 or a status.
 */
function readFields(
  head: RequestHead,
  buf: Buffer,
  text: string,
  base: number,
  fieldsStart: number,
  known: KnownHost,
): number {
  const { scan: fields } = head
  let host: string | undefined
  let contentLength: number | undefined
  let transferEncoding: string | undefined
  let connection = ''
  let upgrade = ''
  let expect: string | undefined
  head.forwardedFor = head.forwarded = head.forwardedProto = head.forwardedHost = head.forwardedPort = ''
  head.forwardedOther = head.realIp = head.requestId = head.cookie = head.referer = head.userAgent = ''
  head.bindsConnection = false
  let kept = ''
  let keepFrom = 0
  for (let i = 0; i < fields.count; i += 1) {
    let kind = fields.kinds[i]!
    if (kind === field.other) continue
    // Of any spelling but their own, proxies pass on what their client says.
    if (isOfProxies(kind) && isMisspelt(fields, i, buf)) kind = field.hop
    const valueStart = fields.valueStarts[i]!
    const valueEnd = fields.valueEnds[i]!
    const isKnown = kind === field.host && isText(buf, valueStart, valueEnd, known.authority)
    const value = isKnown ? known.authority : text.slice(valueStart - base, valueEnd - base)
    let passed = false
    switch (kind) {
      case field.host:
        if (host !== undefined) return -refuse(head, 400, 'there is more than one Host')
        host = value
        passed = true
        break
      case field.connection:
        connection = connection === '' ? value : `${connection},${value}`
        break
      case field.contentLength:
        if (contentLength !== undefined) return -refuse(head, 400, 'there is more than one Content-Length')
        if (isMisspelt(fields, i, buf)) return -refuse(head, 400, 'a framing field is misspelt')
        contentLength = contentLengthOf(buf, valueStart, valueEnd)
        if (contentLength === undefined) return -refuse(head, 400, 'the Content-Length is malformed')
        passed = true
        break
      case field.transferEncoding:
        if (transferEncoding !== undefined)
          return -refuse(head, 400, 'there is more than one Transfer-Encoding')
        if (isMisspelt(fields, i, buf)) return -refuse(head, 400, 'a framing field is misspelt')
        transferEncoding = value
        passed = true
        break
      case field.upgrade:
        upgrade = upgrade === '' ? value : `${upgrade}, ${value}`
        break
      case field.expect:
        if (expect !== undefined) return -refuse(head, 417, 'there is more than one Expect')
        expect = value
        break
      case field.forwardedFor:
        head.forwardedFor = head.forwardedFor === '' ? value : `${head.forwardedFor}, ${value}`
        break
      case field.forwarded:
        head.forwarded = head.forwarded === '' ? value : `${head.forwarded}, ${value}`
        break
      case field.forwardedProto:
        head.forwardedProto = value
        break
      case field.forwardedHost:
        head.forwardedHost = value
        break
      case field.forwardedPort:
        head.forwardedPort = value
        break
      case field.forwardedOther:
        head.forwardedOther += text.slice(fields.starts[i]! - base, fields.ends[i]! - base)
        break
      case field.realIp:
        head.realIp = value
        break
      case field.requestId:
        head.requestId = value
        break
      case field.cookie:
        head.cookie = head.cookie === '' ? value : `${head.cookie}; ${value}`
        passed = true
        break
      case field.referer:
        head.referer = value
        passed = true
        break
      case field.userAgent:
        head.userAgent = value
        passed = true
        break
      case field.debug:
        head.debug = true
        break
      case field.authorization:
        head.bindsConnection ||= /^(?:ntlm|negotiate)\b/i.test(value)
        passed = true
        break
      case field.retryAfter:
      case field.date:
        passed = true
        break
    }
    const plain = isPlain(fields, i, buf)
    if (passed && plain) continue
    const lineStart = fields.starts[i]! - base
    if (lineStart > keepFrom) kept += text.slice(keepFrom, lineStart)
    if (passed) kept += `${text.slice(lineStart, fields.nameEnds[i]! - base)}: ${value}\r\n`
    keepFrom = fields.ends[i]! - base
  }
  head.lines = kept + text.slice(keepFrom)

  if (host === undefined) return -refuse(head, 400, 'no host header')
  head.authority = host
  const status = readFraming(head, contentLength, transferEncoding)
  if (status !== 0) return status
  head.expectsContinue = expect !== undefined
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    return -refuse(head, 417, 'the expectation is unknown')
  }
  const problem = readConnection(head, connection, upgrade, fieldsStart)
  return problem === '' ? 0 : -refuse(head, 400, problem)
}

function isMisspelt(fields: FieldScan, i: number, buf: Buffer): boolean {
  for (let at = fields.starts[i]!; at < fields.nameEnds[i]!; at += 1) {
    if (buf[at] !== HYPHEN && tokenByte[buf[at]!] === HYPHEN) return true
  }
  return false
}

/** RFC 9112, 6: what is not exactly one Content-Length or exactly `chunked` is refused. */
function readFraming(head: RequestHead, length: number | undefined, transfer: string | undefined): number {
  head.framing = framing.none
  head.contentLength = 0
  if (transfer !== undefined) {
    if (length !== undefined) return -refuse(head, 400, 'there are Content-Length and Transfer-Encoding')
    if (head.minor === 0) return -refuse(head, 400, 'HTTP/1.0 has no Transfer-Encoding')
    if (otherCodings.test(transfer)) {
      return -refuse(head, 501, 'the only transfer coding taken is chunked')
    }
    if (transfer !== 'chunked') return -refuse(head, 400, 'the Transfer-Encoding is not chunked')
    head.framing = framing.chunked
  } else if (length !== undefined) {
    head.contentLength = length
    head.framing = framing.length
  }
  return 0
}

/** Sets target, host and authority; returns what is wrong, or ''. */
function readTarget(head: RequestHead, target: string, known: KnownHost): string {
  if (head.authority !== known.authority) {
    const hostOfField = routingHost(head.authority)
    if (hostOfField === undefined) return 'the Host is malformed'
    // Not as parts of the head, all of which would be kept with them.
    known.authority = head.authority = inOnePiece(head.authority)
    known.host = inOnePiece(hostOfField)
  }
  head.host = known.host
  head.target = target
  if (target.charCodeAt(0) === 0x2f) return ''
  if (target === '*') return head.method === 'OPTIONS' ? '' : 'the target is malformed'
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target)
  if (absolute === null) return 'the target is malformed'
  const [, authority = '', path = ''] = absolute
  const host = routingHost(authority)
  if (host === undefined) return "the target's host is malformed"
  // RFC 9112, 3.2.2: the target wins over Host, and the backend must not see another one.
  if (authority !== head.authority) {
    const lineEnd = head.lines.indexOf('\n') + 1
    const fields = withoutFields(head.lines.slice(lineEnd), ['host'])
    head.lines = `${head.lines.slice(0, lineEnd)}Host: ${authority}\r\n${fields}`
  }
  head.host = host
  head.authority = authority
  head.target = path.startsWith('/') ? path : `/${path}`
  if (path === '' && head.method === 'OPTIONS') head.target = '*'
  return ''
}

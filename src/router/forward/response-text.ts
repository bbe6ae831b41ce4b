import { withoutFields } from '../http/connection.ts'
import { framing, type Framing } from '../http/framing.ts'
import { type ResponseHead } from '../http/response-head.ts'

/** Whether a body that the backend frames as `body` goes to a client of HTTP/1.`minor` as chunks. */
export function isChunking(body: Framing, minor: number): boolean {
  return minor === 1 && (body === framing.chunked || body === framing.untilClose)
}

/** Whether the end of such a body is the end of the client's connection. */
export function endsByClosing(body: Framing, minor: number): boolean {
  return minor === 0 && (body === framing.chunked || body === framing.untilClose)
}

/**
 * The head as a client of HTTP/1.`minor` gets it: status line and fields, the empty line included. `body` is how the
 * backend frames it, `more` field lines of ours; `whole`: the body came with the head, and is to be part of the text.
 */
export function responseText(
  head: ResponseHead,
  body: Framing,
  whole: boolean,
  minor: number,
  keepAlive: boolean,
  more: string,
): string {
  const ours = connectionField(head, minor, keepAlive) + dateField(head) + more
  if (ours === '' && body === framing.length) return whole ? head.text : head.alone
  return `${framedLines(head, body, minor)}${ours}\r\n${whole ? head.rest : ''}`
}

/** RFC 9110, 6.6.1: who passes on what has no Date says when it came. */
function dateField({ dated }: ResponseHead): string {
  return dated ? '' : `Date: ${new Date().toUTCString()}\r\n`
}

function connectionField({ status, upgrade }: ResponseHead, minor: number, keepAlive: boolean): string {
  const field = keepAlive ? (minor === 0 ? 'Connection: keep-alive\r\n' : '') : 'Connection: close\r\n'
  // RFC 9110, 15.5.22: it must say what to upgrade to.
  return status === 426 && upgrade !== '' ? `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n${field}` : field
}

/** The lines with the framing fields that a client of HTTP/1.`minor` is to have. */
function framedLines({ lines, status }: ResponseHead, body: Framing, minor: number): string {
  if (body === framing.length) return lines
  if (body === framing.none) {
    // A response to HEAD and a 304 may tell the length that there would be; a 204 may not.
    const unwanted = minor === 0 ? ['transfer-encoding'] : []
    if (status === 204) unwanted.push('content-length', 'transfer-encoding')
    return unwanted.length === 0 ? lines : withoutFields(lines, unwanted)
  }
  if (body === framing.chunked) return minor === 0 ? withoutFields(lines, ['transfer-encoding']) : lines
  return minor === 0 ? lines : `${lines}Transfer-Encoding: chunked\r\n`
}

/** A 1xx besides 101. */
export function interimText(head: ResponseHead): string {
  return `${withoutFraming(head)}\r\n`
}

/** The backend's 101, after which bytes pass as they are; `more`: field lines of ours. */
export function tunnelText(head: ResponseHead, more: string): string {
  return `${withoutFraming(head)}${more}Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n\r\n`
}

/** No 1xx has a body (RFC 9110, 8.6), and a client that is told of one might wait for it. */
function withoutFraming(head: ResponseHead): string {
  if (head.framing === framing.untilClose) return head.lines
  return withoutFields(head.lines, ['content-length', 'transfer-encoding'])
}

import { framing, type Framing, withoutFields } from '../http/request-head.ts'
import { type ResponseHead } from '../http/response-head.ts'

/** How a response goes on to the client. */
export type ResponseText = {
  /** Status line and fields, the empty line included. */
  text: string
  /** The body is framed as chunks. */
  chunking: boolean
  /** Whether the connection may go on after it. */
  keepAlive: boolean
}

/** The head as a client of HTTP/1.`minor` gets it; `body` is how the backend frames it, `more` field lines of ours. */
export function responseText(
  head: ResponseHead,
  body: Framing,
  to: { minor: number; keepAlive: boolean; more: string },
): ResponseText {
  const { lines, chunking, untilClose } = planFraming(head, body, to.minor)
  const keepAlive = to.keepAlive && !untilClose
  let { more } = to
  if (!keepAlive) more = `Connection: close\r\n${more}`
  else if (to.minor === 0) more = `Connection: keep-alive\r\n${more}`
  // RFC 9110, 15.5.22: it must say what to upgrade to.
  if (head.status === 426 && head.upgrade !== '')
    more += `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`
  return { text: `${lines}${more}\r\n`, chunking, keepAlive }
}

/** A 1xx besides 101. */
export function interimText(head: ResponseHead): string {
  return `${withoutFraming(head)}\r\n`
}

/** The backend's 101, after which bytes pass as they are. */
export function tunnelText(head: ResponseHead): string {
  return `${withoutFraming(head)}Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n\r\n`
}

/** No 1xx has a body (RFC 9110, 8.6), and a client that is told of one might wait for it. */
function withoutFraming(head: ResponseHead): string {
  if (head.framing === framing.untilClose) return head.lines
  return withoutFields(head.lines, ['content-length', 'transfer-encoding'])
}

type FramingPlan = {
  /** Status line and fields. */
  lines: string
  chunking: boolean
  /** The end of the body is the end of the connection. */
  untilClose: boolean
}

/** Decides the framing towards a client of HTTP/1.`minor`; `body` is how the backend frames it. */
function planFraming(head: ResponseHead, body: Framing, minor: number): FramingPlan {
  const { lines } = head
  if (body === framing.length) return { lines, chunking: false, untilClose: false }
  if (body === framing.none) {
    // A response to HEAD and a 304 may tell the length that there would be; a 204 may not.
    const unwanted = minor === 0 ? ['transfer-encoding'] : []
    if (head.status === 204) unwanted.push('content-length', 'transfer-encoding')
    const kept = unwanted.length === 0 ? lines : withoutFields(lines, unwanted)
    return { lines: kept, chunking: false, untilClose: false }
  }
  if (minor === 0) {
    const kept = body === framing.chunked ? withoutFields(lines, ['transfer-encoding']) : lines
    return { lines: kept, chunking: false, untilClose: true }
  }
  const framed = body === framing.chunked ? lines : `${lines}Transfer-Encoding: chunked\r\n`
  return { lines: framed, chunking: true, untilClose: false }
}

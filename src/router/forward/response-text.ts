import { framing, type Framing, withoutFields } from '../http/request-head.ts'
import { type ResponseHead } from '../http/response-head.ts'

/** How a response goes on to the client. */
export type ResponsePlan = {
  /** Field lines. */
  fields: string
  /** The body is framed as chunks. */
  chunking: boolean
  /** The end of the body is the end of the connection. */
  untilClose: boolean
}

/** Decides the framing towards a client of HTTP/1.`minor`; `body` is how the backend frames it. */
export function planResponse(head: ResponseHead, body: Framing, minor: number): ResponsePlan {
  const { fields } = head
  if (body === framing.length) return { fields, chunking: false, untilClose: false }
  if (body === framing.none) {
    // A response to HEAD and a 304 may tell the length that there would be; a 204 may not.
    const unwanted = minor === 0 ? ['transfer-encoding'] : []
    if (head.status === 204) unwanted.push('content-length', 'transfer-encoding')
    const kept = unwanted.length === 0 ? fields : withoutFields(fields, unwanted)
    return { fields: kept, chunking: false, untilClose: false }
  }
  if (minor === 0) {
    const kept = body === framing.chunked ? withoutFields(fields, ['transfer-encoding']) : fields
    return { fields: kept, chunking: false, untilClose: true }
  }
  const framed = body === framing.chunked ? fields : `${fields}Transfer-Encoding: chunked\r\n`
  return { fields: framed, chunking: true, untilClose: false }
}

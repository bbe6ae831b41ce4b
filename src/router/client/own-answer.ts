import { STATUS_CODES } from 'node:http'
import { type Page } from '../forward/plane.ts'

/** What an answer of the router's own depends on besides its page. */
export type AnswerTo = {
  /** 0 for HTTP/1.0. */
  minor: number
  keepAlive: boolean
  /** Field lines to add, each with its CRLF. */
  more: string
}

/** The head of an answer that the router gives itself, to its empty line (RFC 9110, 6.6.1: with a Date). */
export function answerHead(page: Page, { minor, keepAlive, more }: AnswerTo): string {
  const { status } = page
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\nDate: ${new Date().toUTCString()}\r\n` +
    `Content-Type: ${page.contentType}\r\nContent-Length: ${page.body.length}\r\n` +
    'Cache-Control: no-cache\r\nPragma: no-cache\r\nExpires: -1\r\n' +
    (status === 503 ? 'Retry-After: 1\r\n' : '') +
    (status === 405 ? 'Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n' : '') +
    (keepAlive ? (minor === 0 ? 'Connection: keep-alive\r\n' : '') : 'Connection: close\r\n') +
    `${more}\r\n`
  )
}

import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type BackendAddress, tlsTo } from '../../model/backend-address.ts'
import { ChunkedDecoder } from '../http/chunked.ts'

/** What a probe asks for and what it takes for an answer. */
export type ProbeRequest = {
  method: 'GET' | 'HEAD'
  path: string
  host: string
  /** Whether an answer of this status is a good one. */
  accepts: (status: number) => boolean
  /** Text that the body must contain, within its first 64 KiB. */
  body: string | undefined
  timeoutMs: number
}

const maxBytes = 64 * 1024

/** Sends one request on a connection of its own. Resolves to undefined when all is well, else to what is wrong. */
export function probe(address: BackendAddress, request: ProbeRequest): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = address.tls
      ? connectTls({ ...tlsTo(address), rejectUnauthorized: false })
      : connect({ host: address.host, port: address.port })
    let text = ''
    const timer = setTimeout(() => finish(`no answer within ${request.timeoutMs} ms`), request.timeoutMs)
    const finish = (problem: string | undefined): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(problem)
    }
    socket.write(
      `${request.method} ${request.path} HTTP/1.1\r\nHost: ${request.host}\r\nUser-Agent: paas-router\r\nConnection: close\r\n\r\n`,
    )
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const verdict = judge(text, request)
      if (verdict !== 'more') finish(verdict)
      else if (text.length > maxBytes) finish('the body lacks the expected text')
    })
    socket.on('end', () =>
      finish(text === '' ? 'the connection was closed' : 'the body lacks the expected text'),
    )
    socket.on('error', (error) => finish(error.message))
  })
}

/** What is wrong with an answer, as far as it has come; undefined: nothing; `more`: that cannot be said yet. */
function judge(text: string, request: ProbeRequest): string | undefined {
  if (!'HTTP/1.'.startsWith(text.slice(0, 7))) return 'the answer is not HTTP'
  const line = text.slice(0, 13)
  const status = Number(/^HTTP\/1\.[01] ([1-5][0-9]{2})[ \r]/.exec(line)?.[1])
  if (Number.isNaN(status)) return line.length < 13 ? 'more' : 'the answer is not HTTP'
  const headEnd = text.indexOf('\r\n\r\n')
  const rest = headEnd === -1 ? undefined : text.slice(headEnd + 4)
  if (status < 200 && status !== 101) return rest === undefined ? 'more' : judge(rest, request)
  if (!request.accepts(status)) return `the status is ${status}`
  if (request.body === undefined) return undefined
  const wanted = Buffer.from(request.body).toString('latin1')
  const isThere = rest !== undefined && bodyOf(text.slice(0, headEnd), rest).includes(wanted)
  return isThere ? undefined : 'more'
}

/** A body without its chunks. */
function bodyOf(head: string, raw: string): string {
  if (!/^transfer-encoding:[ \t]*chunked[ \t]*$/im.test(head)) return raw
  let body = ''
  const bytes = Buffer.from(raw, 'latin1')
  new ChunkedDecoder().decode(bytes, 0, bytes.length, (buf, from, to) => {
    body += buf.toString('latin1', from, to)
  })
  return body
}

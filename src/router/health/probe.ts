import { connect, type LookupFunction } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type BackendAddress, tlsTo } from '../../model/backend-address.ts'
import { ownErrors } from '../forward/exhaustion.ts'
import { ChunkedDecoder } from '../http/chunked.ts'
import { parseResponseHead, ResponseHead } from '../http/response-head.ts'

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
  /** Finds the addresses of a name. */
  lookup: LookupFunction
}

/**
 * What is wrong: this machine has nothing left to connect with, nobody listens, there is no connection, nothing came in
 * time, or not what should have come.
 */
export type ProbeProblem = {
  readonly kind: 'exhausted' | 'refused' | 'unreachable' | 'silent' | 'wrong'
  readonly text: string
}

const maxBytes = 64 * 1024
/** Where the time is over so much later than it should be, this process stood still, and has not read what came meanwhile. */
const stoodStillMs = 500
/** 1xx besides 101, whole. */
const interimHeads = /^(?:HTTP\/1\.[01] 1(?!01)[0-9]{2}(?=[ \r])[^]*?\r\n\r\n)+/

/** Sends one request on a connection of its own. Resolves to undefined when all is well, else to what is wrong. */
export function probe(address: BackendAddress, request: ProbeRequest): Promise<ProbeProblem | undefined> {
  return new Promise((resolve) => {
    const socket = address.tls
      ? connectTls({ ...tlsTo(address), lookup: request.lookup, rejectUnauthorized: false })
      : connect({ host: address.host, port: address.port, lookup: request.lookup })
    let text = ''
    let reached = false
    socket.once(address.tls ? 'secureConnect' : 'connect', () => (reached = true))
    const late = (): void =>
      finish({
        kind: reached ? 'silent' : 'unreachable',
        text: `no answer within ${request.timeoutMs} ms`,
      })
    const due = performance.now() + request.timeoutMs
    let timer = setTimeout(() => {
      if (performance.now() - due < stoodStillMs) late()
      else timer = setTimeout(late, request.timeoutMs)
    }, request.timeoutMs)
    const finish = (problem: ProbeProblem | undefined): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(problem)
    }
    const wrong = (what: string): void => finish({ kind: 'wrong', text: what })
    socket.write(
      `${request.method} ${request.path} HTTP/1.1\r\nHost: ${request.host}\r\nUser-Agent: paas-router\r\nConnection: close\r\n\r\n`,
    )
    socket.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString('latin1')).replace(interimHeads, '')
      const verdict = judge(text, request)
      if (verdict === undefined) finish(undefined)
      else if (verdict !== 'more') wrong(verdict)
      else if (text.length > maxBytes) wrong('the body lacks the expected text')
    })
    socket.on('end', () => {
      if (text === '') wrong('the connection was closed')
      else wrong(text.includes('\r\n\r\n') ? 'the body lacks the expected text' : 'the answer was cut short')
    })
    socket.on('error', (error: NodeJS.ErrnoException) =>
      // Of a name with several addresses there is no message, but a code.
      finish({
        kind: reached ? 'wrong' : kindOf(error.code),
        text: error.message || String(error.code),
      }),
    )
  })
}

function kindOf(code: string | undefined): 'exhausted' | 'refused' | 'unreachable' {
  if (ownErrors.has(code)) return 'exhausted'
  return code === 'ECONNREFUSED' ? 'refused' : 'unreachable'
}

/** What is wrong with an answer without its interim heads, as far as it has come; undefined: nothing; `more`: that cannot be said yet. */
function judge(text: string, request: ProbeRequest): string | undefined {
  const bytes = Buffer.from(text, 'latin1')
  const head = new ResponseHead()
  const parsed = parseResponseHead(head, bytes, 0, bytes.length)
  if (parsed < 0) return 'the answer is not HTTP'
  if (parsed === 0) return 'more'
  const { status } = head
  if (status < 200 && status !== 101) return 'more'
  if (!request.accepts(status)) return `the status is ${status}`
  if (request.body === undefined) return undefined
  const headEnd = text.indexOf('\r\n\r\n')
  const wanted = Buffer.from(request.body).toString('latin1')
  return bodyOf(text.slice(0, headEnd), text.slice(headEnd + 4)).includes(wanted) ? undefined : 'more'
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

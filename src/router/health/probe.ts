import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type BackendAddress } from '../../model/backend-address.ts'

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
    const options = { host: address.host, port: address.port }
    const socket = address.tls ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options)
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
      if (!text.startsWith('HTTP/1.'.slice(0, text.length))) return finish('the answer is not HTTP')
      const status = /^HTTP\/1\.[01] ([1-5][0-9]{2})[ \r]/.exec(text)?.[1]
      if (status === undefined) return
      const problem = request.accepts(Number(status)) ? undefined : `the status is ${status}`
      if (problem !== undefined || request.body === undefined) return finish(problem)
      const bodyAt = text.indexOf('\r\n\r\n')
      if (bodyAt !== -1 && text.includes(request.body, bodyAt)) return finish(undefined)
      if (text.length > maxBytes) finish('the body lacks the expected text')
    })
    socket.on('end', () =>
      finish(text === '' ? 'the connection was closed' : 'the body lacks the expected text'),
    )
    socket.on('error', (error) => finish(error.message))
  })
}

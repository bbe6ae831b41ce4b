import { chmod, lstatSync, rm } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { type ControlReply, ControlRequest } from './control.ts'

/** What each request of control.ts is answered with. */
export type ControlActions = { [Op in ControlRequest['op']]: () => Promise<unknown> }

const maxRequestBytes = 4096

/**
 * Serves control.ts on a unix socket that only its owner may open. Throws START_FAILED where there is something else
 * than a socket.
 */
export function serveControl(path: string, actions: ControlActions, onProblem: (message: string) => void) {
  const present = lstatSync(path, { throwIfNoEntry: false })
  if (present !== undefined && !present.isSocket()) {
    throw new PaasError('START_FAILED', `The control socket cannot be ${path}: something else is there.`, {
      hint: 'Give --control the path of a socket; the router makes it.',
    })
  }
  // Who has said all may still wait for the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = ''
    socket.on('error', () => undefined)
    socket.on('end', () => {
      if (!text.includes('\n')) socket.end()
    })
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.length > maxRequestBytes) return void socket.destroy()
      const lineEnd = text.indexOf('\n')
      if (lineEnd === -1) return
      const line = text.slice(0, lineEnd)
      socket.removeAllListeners('data')
      answer(line)
        .then((reply) => socket.end(`${JSON.stringify(reply)}\n`))
        .catch(() => socket.destroy())
    })
  })
  async function answer(line: string): Promise<ControlReply> {
    try {
      const { op } = ControlRequest.parse(JSON.parse(line))
      return { ok: (await actions[op]()) ?? null }
    } catch (error) {
      const { code, hint } = error instanceof PaasError ? error : new PaasError('INTERNAL', messageOf(error))
      return { error: messageOf(error), code, hint }
    }
  }
  const problem = (why: string): void => onProblem(`the control socket cannot be served: ${why}`)
  const listen = (): void =>
    void server.listen(path, () => chmod(path, 0o600, (error) => error && problem(error.message)))
  server.on('error', (error) => problem(error.message))
  if (present === undefined) listen()
  else {
    // One that a killed router has left goes; one that a router serves is not taken from it.
    const other = connect(path, () => {
      other.destroy()
      problem(`another process serves ${path}`)
    })
    other.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') rm(path, { force: true }, listen)
      else if (error.code === 'ENOENT') listen()
      else problem(error.message)
    })
  }
  return server
}

type Page = { status: number; text: string }

/** Serves the Prometheus text on `GET /metrics`, and whether requests can be served on `GET /ready`. */
export function serveMetrics(
  listen: { address: string; port: number },
  about: { metrics(): Promise<string>; isReady(): boolean },
  onProblem: (message: string) => void,
) {
  const metrics = async (): Promise<Page> => ({ status: 200, text: await about.metrics() })
  const ready = async (): Promise<Page> =>
    about.isReady() ? { status: 200, text: 'ok\n' } : { status: 503, text: 'the routes are not known yet\n' }
  const server = createHttpServer((request, response) => {
    const path = request.url?.split('?')[0]
    const page = path === '/metrics' ? metrics : path === '/ready' ? ready : undefined
    if (!['GET', 'HEAD'].includes(request.method ?? '') || page === undefined) {
      response.writeHead(404).end()
      return
    }
    page().then(
      ({ status, text }) =>
        response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' }).end(text),
      () => response.writeHead(503).end(),
    )
  })
  server.on('error', (error) => onProblem(`metrics cannot be served: ${error.message}`))
  server.listen(listen.port, listen.address)
  return server
}

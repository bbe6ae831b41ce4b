import { chmodSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { messageOf } from '../errors/paas-error.ts'
import { ControlRequest } from './control.ts'

/** What each request of control.ts is answered with. */
export type ControlActions = { [Op in ControlRequest['op']]: () => Promise<unknown> }

const maxRequestBytes = 4096

/** Serves control.ts on a unix socket that only its owner may open. */
export function serveControl(path: string, actions: ControlActions, onProblem: (message: string) => void) {
  rmSync(path, { force: true })
  const server = createServer((socket) => {
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      if (text.length > maxRequestBytes) return void socket.destroy()
      const lineEnd = text.indexOf('\n')
      if (lineEnd === -1) return
      const line = text.slice(0, lineEnd)
      socket.removeAllListeners('data')
      answer(line).then(
        (reply) => socket.end(`${JSON.stringify(reply)}\n`),
        () => socket.destroy(),
      )
    })
  })
  async function answer(line: string): Promise<{ ok: unknown } | { error: string }> {
    try {
      const { op } = ControlRequest.parse(JSON.parse(line))
      return { ok: (await actions[op]()) ?? null }
    } catch (error) {
      return { error: messageOf(error) }
    }
  }
  server.on('error', (error) => onProblem(`the control socket cannot be served: ${error.message}`))
  server.listen(path, () => chmodSync(path, 0o600))
  return server
}

/** Serves the Prometheus text on `GET /metrics`. */
export function serveMetrics(
  listen: { address: string; port: number },
  metrics: () => Promise<string>,
  onProblem: (message: string) => void,
) {
  const server = createHttpServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    metrics().then(
      (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text),
      () => response.writeHead(503).end(),
    )
  })
  server.on('error', (error) => onProblem(`metrics cannot be served: ${error.message}`))
  server.listen(listen.port, listen.address)
  return server
}

// node:http in front, undici's Pool.dispatch behind: the fastest proxy from public parts.
// argv: directory of node_modules, backend port, port to listen on.
import { randomUUID } from 'node:crypto'
import http from 'node:http'
import { createRequire } from 'node:module'

const [directory, backend, port] = process.argv.slice(2)
const { Pool } = createRequire(`${directory}/index.js`)('undici')
const pool = new Pool(`http://127.0.0.1:${backend}`, { connections: 512, pipelining: 1 })
const hop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te', 'trailer'])

http
  .createServer((request, response) => {
    const headers = []
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      if (!hop.has(request.rawHeaders[i].toLowerCase()))
        headers.push(request.rawHeaders[i], request.rawHeaders[i + 1])
    }
    const address = request.socket.remoteAddress
    headers.push('X-Forwarded-For', address, 'X-Forwarded-Proto', 'http', 'X-Real-IP', address)
    headers.push('X-Forwarded-Host', request.headers.host, 'X-Forwarded-Port', port)
    headers.push('X-Request-Id', randomUUID())
    headers.push('Forwarded', `for=${address};host="${request.headers.host}";proto=http`)
    const hasBody =
      request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
    pool.dispatch(
      { path: request.url, method: request.method, headers, body: hasBody ? request : null },
      {
        onConnect() {},
        onRequestStart() {},
        onHeaders(status, raw, resume) {
          response.writeHead(
            status,
            raw.map(String).filter((_, i, all) => !hop.has(all[i - (i % 2)].toLowerCase())),
          )
          response.on('drain', resume)
          return true
        },
        onResponseStart(_controller, status, fields) {
          response.writeHead(
            status,
            Object.fromEntries(Object.entries(fields).filter(([name]) => !hop.has(name))),
          )
        },
        onData: (chunk) => response.write(chunk),
        onResponseData: (_controller, chunk) => response.write(chunk),
        onComplete: () => response.end(),
        onResponseEnd: () => response.end(),
        onError: () => response.destroy(),
        onResponseError: () => response.destroy(),
      },
    )
  })
  .listen(Number(port), '127.0.0.1')

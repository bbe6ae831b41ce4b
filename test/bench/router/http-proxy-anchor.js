// http-proxy with a keep-alive agent, as its documentation recommends for speed.
// argv: directory of node_modules, backend port, port to listen on.
import http from 'node:http'
import { createRequire } from 'node:module'

const [directory, backend, port] = process.argv.slice(2)
const { createProxyServer } = createRequire(`${directory}/index.js`)('http-proxy')
const proxy = createProxyServer({
  target: `http://127.0.0.1:${backend}`,
  agent: new http.Agent({ keepAlive: true, maxSockets: 512 }),
  xfwd: true,
})
proxy.on('error', (_error, _request, response) => response.writeHead?.(502).end())
http.createServer((request, response) => proxy.web(request, response)).listen(Number(port), '127.0.0.1')

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, type Socket } from 'node:net'

/**
 * An app: `/` says its name, `/slow?ms=` waits, `/status/503` answers so, `/hash` the SHA-256 of the body,
 * `/bytes?n=` so many bytes, `/hang` nothing, `/headers` what it got; WebSocket-like upgrades echo.
 */
export async function startBackend(
  name: string,
  handler?: (req: IncomingMessage, res: ServerResponse) => boolean,
  at = 0,
) {
  const seen: string[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((req, res) => {
    seen.push(`${req.method ?? ''} ${req.url ?? ''}`)
    if (handler?.(req, res) === true) return
    answer(name, req, res)
  })
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (req, socket: Socket, head: Buffer) => {
    socket.on('error', () => undefined)
    if (req.url === '/refuse') {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
      return
    }
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n',
    )
    socket.write(`${req.rawHeaders.join('|')}\n`)
    if (head.length > 0) socket.write(head)
    socket.pipe(socket)
  })
  server.listen(at, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    name,
    port,
    url: `http://127.0.0.1:${port}`,
    seen,
    server,
    connections: () => connections,
    open: () => sockets.size,
    close(): void {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
    [Symbol.dispose]() {
      this.close()
    },
  }
}

export type Backend = Awaited<ReturnType<typeof startBackend>>

function answer(name: string, req: IncomingMessage, res: ServerResponse): void {
  const url = new URL(req.url ?? '/', 'http://x')
  const number = (key: string): number => Number(url.searchParams.get(key) ?? 0)
  if (url.pathname === '/hang') return
  if (url.pathname === '/slow') {
    setTimeout(() => res.end(name), number('ms'))
  } else if (url.pathname.startsWith('/status/')) {
    res.statusCode = Number(url.pathname.slice(8))
    const retryAfter = url.searchParams.get('retryAfter')
    if (retryAfter !== null) res.setHeader('Retry-After', retryAfter)
    res.end(name)
  } else if (url.pathname === '/hash') {
    const hash = createHash('sha256')
    let bytes = 0
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      hash.update(chunk)
    })
    req.on('end', () => res.end(`${bytes} ${hash.digest('hex')}`))
  } else if (url.pathname === '/bytes') {
    let left = number('n')
    res.setHeader('Content-Length', left)
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const more = (): void => {
      while (left > 0) {
        const piece = chunk.subarray(0, Math.min(left, chunk.length))
        left -= piece.length
        if (!res.write(piece)) {
          res.once('drain', more)
          return
        }
      }
      res.end()
    }
    more()
  } else if (url.pathname === '/headers') {
    res.end(JSON.stringify(req.rawHeaders))
  } else {
    req.resume()
    req.on('end', () => res.end(name))
  }
}

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startRedis, type TestRedis } from './support/redis.ts'
import { ask, serve, startRouter, type TestRouter } from './support/router.ts'
import { makeCertificate } from './support/tls.ts'

const long = 'x'.repeat(3_000_000)

/** Sizes of answers, of some of which just a little waits in the router when all has come. */
const sizes = Array.from({ length: 20 }, (_, i) => 7_000_000 + i * 50_000)

/** What the backend does with a request, on its TLS connection and on the TCP connection below. */
const answers: Record<string, (secure: TLSSocket, tcp: Socket) => void> = {
  '/announced': (secure) => secure.end(`HTTP/1.1 200 OK\r\n\r\n${long}`),
  '/cut': (secure, tcp) => secure.write(`HTTP/1.1 200 OK\r\n\r\n${long}`, () => tcp.end()),
  '/reset': (secure, tcp) =>
    secure.write('HTTP/1.1 200 OK\r\n\r\npart', () => setTimeout(() => tcp.resetAndDestroy(), 100)),
  '/counted': (secure) => secure.write(`HTTP/1.1 200 OK\r\nContent-Length: ${long.length}\r\n\r\n${long}`),
  '/small': (secure) => secure.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmall'),
  '/counted-and-cut': (secure, tcp) =>
    secure.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody', () => tcp.end()),
  '/gone': (secure, tcp) => {
    secure.pause()
    secure.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\npart')
    setTimeout(() => tcp.resetAndDestroy(), 500)
  },
  '/early': (secure, tcp) =>
    secure.end('HTTP/1.1 413 Too Much\r\nContent-Length: 5\r\n\r\nearly', () => tcp.destroy()),
  '/renegotiated': (secure) => {
    secure.renegotiate({}, () => undefined)
    setTimeout(() => secure.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst'), 100)
  },
  '/no-tls': (_, tcp) => tcp.write('this is not TLS '.repeat(10)),
  '/tunnel': (secure) => {
    secure.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
    secure.on('data', (chunk) => secure.write(chunk))
    secure.on('end', () => secure.end('bye'))
  },
}

/** What backends were asked for. */
const asked: string[] = []

function startBackend(pem: { key: Buffer; cert: Buffer }, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Server {
  const below = new Map<number, Socket>()
  const server = createServer({ ...pem, maxVersion, allowHalfOpen: true }, (secure) => {
    secure.on('error', () => undefined)
    const serve = (chunk: Buffer): void => {
      const path = chunk.toString('latin1').split(' ')[1] ?? ''
      asked.push(path)
      const size = Number(/^\/half-closed\/([0-9]+)$/.exec(path)?.[1])
      if (size > 0) secure.end(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`)
      if (path === '/tunnel') secure.off('data', serve)
      answers[path]?.(secure, below.get(secure.remotePort!)!)
    }
    secure.on('data', serve)
  })
  server.on('connection', (tcp: Socket) => {
    tcp.on('error', () => undefined)
    below.set(tcp.remotePort!, tcp)
  })
  return server.listen(0, '127.0.0.1')
}

let redis: TestRedis
let router: TestRouter
let pem: { key: Buffer; cert: Buffer }
beforeAll(async () => {
  redis = await startRedis()
  router = await startRouter(redis, { workers: 1 })
  const { key, cert } = makeCertificate(redis.directory)
  pem = { key: readFileSync(key), cert: readFileSync(cert) }
})
afterAll(async () => {
  await router[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
})

/** What comes for a request of HTTP/1.0, which only the connection's end delimits, read at a certain pace. */
async function fetched(host: string, path: string, pauseMs = 0): Promise<{ bytes: number; whole: boolean }> {
  const socket = connect(router.port, '127.0.0.1')
  let bytes = 0
  let whole = true
  socket.on('error', () => (whole = false))
  socket.on('data', (chunk) => {
    bytes += chunk.length
    if (pauseMs === 0) return
    socket.pause()
    setTimeout(() => socket.resume(), pauseMs)
  })
  socket.write(`GET ${path} HTTP/1.0\r\nHost: ${host}\r\n\r\n`)
  await new Promise((resolve) => socket.once('close', resolve))
  return { bytes, whole }
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a backend that speaks %s', (version) => {
  const host = `${version.toLowerCase()}.test`
  let backend: Server
  let connections = 0
  beforeAll(async () => {
    backend = startBackend(pem, version)
    backend.on('connection', () => (connections += 1))
    await once(backend, 'listening')
    const { port } = backend.address() as AddressInfo
    await serve(redis.client, host, `https://127.0.0.1:${port}`)
  })
  afterAll(() => backend.close())

  test('an answer without a length is whole where TLS has announced its end', async () => {
    for (const pause of [0, 5]) {
      const { bytes, whole } = await fetched(host, '/announced', pause)
      expect(whole).toBe(true)
      expect(bytes).toBeGreaterThan(long.length)
    }
  })

  test('an answer without a length that ends in any other way never looks whole', async () => {
    for (const path of ['/cut', '/reset']) {
      for (const pause of [0, 5]) expect((await fetched(host, path, pause)).whole, path).toBe(false)
    }
    const chunked = await ask(router.port, host, '/cut').catch(() => undefined)
    expect(chunked?.body.endsWith('0\r\n\r\n') ?? false).toBe(false)
  })

  test('an answer of a known length is whole however the connection ends', async () => {
    expect((await ask(router.port, host, '/counted-and-cut')).body).toBe('body')
  })

  test('what is no TLS is no answer, however open the connection stays', async () => {
    expect(await ask(router.port, host, '/no-tls')).toMatchObject({ status: 502 })
  })

  test('connections serve again', async () => {
    await ask(router.port, host, '/small')
    const before = connections
    const visitor = async (): Promise<void> => {
      const socket = connect(router.port, '127.0.0.1')
      for (let i = 0; i < 200; i += 1) {
        socket.write(`GET /small HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
        expect(String((await once(socket, 'data'))[0])).toMatch(/small$/)
      }
      socket.destroy()
    }
    await Promise.all(Array.from({ length: 16 }, visitor))
    expect(connections - before).toBeLessThanOrEqual(16)
  })

  test('an early answer to an upload is not lost where the backend closes at once', async () => {
    for (let i = 0; i < 10; i += 1) {
      const socket = connect(router.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(`POST /early HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 50000000\r\n\r\n${long}`)
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      expect(chunk.toString()).toMatch(/^HTTP\/1\.1 413 /)
      socket.destroy()
    }
  })

  test('an answer that is cut while there is more to upload is aborted at once', async () => {
    const socket = connect(router.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(`POST /gone HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 50000000\r\n\r\nabc`)
    await once(socket, 'data')
    const [pid] = await router.workerPids()
    process.kill(pid!, 'SIGSTOP')
    await sleep(100)
    // Read before the reset, and so written to a connection that is no more.
    socket.write('x'.repeat(3000))
    await sleep(800)
    process.kill(pid!, 'SIGCONT')
    const started = performance.now()
    await new Promise((resolve) => socket.once('close', resolve))
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  test('an early answer is whole where the backend ends its side and reads on', async () => {
    const received = async (size: number): Promise<number> => {
      const socket = connect(router.port, '127.0.0.1')
      let bytes = 0
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        bytes += chunk.length
        socket.pause()
        setTimeout(() => socket.resume(), 10)
      })
      socket.write(`POST /half-closed/${size} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 50000000\r\n\r\n`)
      const upload = setInterval(() => socket.write('x'.repeat(2000)), 5)
      await new Promise((resolve) => socket.once('close', resolve))
      clearInterval(upload)
      return bytes
    }
    const all = await Promise.all(sizes.map(async (size) => (await received(size)) > size))
    expect(all).toEqual(sizes.map(() => true))
  })

  test.skipIf(version === 'TLSv1.3')('who shakes hands anew in the middle is not asked again', async () => {
    expect((await ask(router.port, host, '/renegotiated', '', 'POST', 'body')).body).toBe('first')
    expect((await ask(router.port, host, '/small')).body).toBe('small')
    expect(asked.filter((path) => path === '/renegotiated')).toHaveLength(1)
  })

  test('a tunnel passes both ways, and each half ends by itself', async () => {
    const socket = connect({ port: router.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.write(`GET /tunnel HTTP/1.1\r\nHost: ${host}\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n`)
    const [head] = (await once(socket, 'data')) as [Buffer]
    expect(head.toString()).toMatch(/^HTTP\/1\.1 101 /)
    socket.end(long)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text.length).toBe(long.length + 3)
    expect(text.endsWith('bye')).toBe(true)
  })
})

import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { makeCertificate } from './support/tls.ts'
import { afterAll, describe, expect, test } from 'vitest'
import { type Reader, readPushed, userBufferReader } from '../../../src/router/client/reading.ts'

const directory = mkdtempSync(join(tmpdir(), 'reading-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function tls(): { key: Buffer; cert: Buffer } {
  const { key, cert } = makeCertificate(directory)
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

const accepting = { allowHalfOpen: true, noDelay: true }

describe.each<[string, () => Reader | undefined, boolean]>([
  ['one buffer for all sockets', () => userBufferReader(Buffer.allocUnsafeSlow(64 * 1024)), false],
  ['what a socket pushes', () => readPushed, false],
  ['what a TLS socket pushes', () => readPushed, true],
])('reading by %s', (_name, make, secure) => {
  /** A client's connection; the other end is given to `accept`. */
  async function dial(accept: (socket: Socket) => void): Promise<Socket> {
    const server: Server = secure
      ? createTlsServer({ ...accepting, ...tls() }, accept)
      : createServer(accepting, accept)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false }
    const socket = secure ? connectTls(options) : connect(options)
    socket.on('error', () => undefined)
    socket.once('close', () => server.close())
    return socket
  }

  test('stops when told, reads on where it stopped, and sees the end', async () => {
    const read = make()!
    const sent = Buffer.alloc(24 * 1024 * 1024)
    for (let i = 0; i < sent.length; i += 4) sent.writeUInt32LE(i, i)
    const got: Buffer[] = []
    let size = 0
    let stops = 0
    let whileStopped = 0
    const ended = Promise.withResolvers<void>()
    const socket = await dial((far) => {
      let stopped = false
      far.on('end', () => {
        ended.resolve()
        far.end()
      })
      read(far, (buf, length) => {
        if (stopped) whileStopped += length
        got.push(Buffer.from(buf.subarray(0, length)))
        size += length
        // A stop at each 4 MB.
        stopped ||= Math.floor(size / 4e6) > stops
        if (!stopped) return true
        setTimeout(() => {
          if (!stopped) return
          stopped = false
          stops += 1
          far._read(0)
        }, 20)
        return false
      })
    })
    socket.end(sent)
    await ended.promise
    expect(Buffer.concat(got).equals(sent)).toBe(true)
    expect(stops).toBeGreaterThanOrEqual(5)
    // Only what TLS had already opened.
    expect(whileStopped).toBeLessThanOrEqual(secure ? 1024 * 1024 : 0)
    socket.destroy()
  })

  test('the first bytes may come with the connection', async () => {
    const read = make()!
    const text = Promise.withResolvers<string>()
    const socket = await dial((far) => {
      let all = ''
      far.on('end', () => {
        text.resolve(all)
        far.end()
      })
      read(far, (buf, length) => {
        all += buf.toString('latin1', 0, length)
        return true
      })
    })
    socket.end('at once')
    expect(await text.promise).toBe('at once')
    socket.destroy()
  })
})

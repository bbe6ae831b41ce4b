import { lookup } from 'node:dns'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { BackendConnection, type Responder } from '../../../src/router/forward/backend-connection.ts'
import { Buffers } from '../../../src/router/forward/buffers.ts'
import { ResponseHead } from '../../../src/router/http/response-head.ts'
import { eventually } from './support/router.ts'

test('a connection whose answer begins while some of the request waits for the kernel is not kept', async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  let kept = 0
  const pool = { keep: () => (kept += 1) > 0, gone: () => undefined }
  for (const [bytes, expected] of [
    [32 * 1024 * 1024, 0],
    [1024, 1],
  ] as const) {
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const { port } = server.address() as AddressInfo
    const address = { host: '127.0.0.1', port, tls: false }
    const connection = new BackendConnection(address, pool, new Buffers(), new ResponseHead(), lookup)
    let begun = false
    let ended = false
    const responder: Responder = {
      isHead: false,
      upgrade: '',
      bindsConnection: false,
      wantsContinue: false,
      connected: () => connection.out.bytes(Buffer.alloc(bytes), 0, bytes, true),
      drained: () => undefined,
      interim: () => undefined,
      head: () => (begun = true),
      data: () => undefined,
      flush: () => true,
      unflushed: () => false,
      end: () => (ended = true),
      failed: (failure) => expect.fail(failure),
    }
    connection.assign(responder)
    const [backend] = await accepted
    backend.pause()
    await eventually(() => connection.connected)
    // All of it has come from the client, and been written here.
    connection.requestDone = true
    connection.out.flush()
    backend.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na')
    await eventually(() => begun)
    backend.resume()
    await eventually(() => connection.out.empty)
    kept = 0
    backend.write('b')
    await eventually(() => ended)
    expect(kept).toBe(expected)
    backend.destroy()
    connection.destroy()
  }
  server.close()
})

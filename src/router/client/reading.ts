import { Socket } from 'node:net'

/**
 * Gets what has been read of a socket; `stable`: nobody overwrites it. Returning false stops reading until the
 * socket's `_read` is called; what had been taken from the kernel before may still come.
 */
export type Receive = (buf: Buffer, length: number, stable: boolean) => boolean

/** Takes a socket's bytes in place of its stream. */
export type Reader = (socket: Socket, receive: Receive) => void

/**
 * A socket gives what it reads to its own `push`, as whoever implements a Readable does. Taking it there saves the
 * stream's state, event and tick for each piece.
 */
export const readPushed: Reader = (socket, receive) => {
  const push = socket.push.bind(socket)
  socket.push = (chunk: Buffer | null) => (chunk === null ? push(null) : receive(chunk, chunk.length, true))
  // TLS may have read on past its handshake.
  if (socket.readableLength === 0) return
  const early = socket.read() as Buffer
  receive(early, early.length, true)
}

type UserBufferSocket = Socket & { _handle?: { useUserBuffer?: (buffer: Uint8Array) => void } | null }

/**
 * Node's own fields that say where a socket is read to; undefined where they are not what they were in the Node that
 * this was written for.
 */
export function userBufferFields(): { buffer: symbol; callback: symbol; generator: symbol } | undefined {
  const probe = new Socket()
  const symbols = Object.getOwnPropertySymbols(probe)
  const find = (name: string): symbol | undefined => symbols.find((symbol) => symbol.description === name)
  const buffer = find('kBuffer')
  const callback = find('kBufferCb')
  const generator = find('kBufferGen')
  probe.destroy()
  if (buffer === undefined || callback === undefined || generator === undefined) return undefined
  return { buffer, callback, generator }
}

/**
 * Node reads an accepted socket into a new Buffer each time; `onread`, which avoids that, is public for outgoing
 * sockets only. This reaches the same mechanism through Node's own fields, so that all sockets read into `shared`.
 */
export function userBufferReader(shared: Buffer): Reader | undefined {
  const fields = userBufferFields()
  if (fields === undefined) return undefined
  const { buffer, callback, generator } = fields
  return (socket, receive) => {
    const handle = (socket as UserBufferSocket)._handle
    if (typeof handle?.useUserBuffer !== 'function') {
      readPushed(socket, receive)
      return
    }
    handle.useUserBuffer(shared)
    const received = (length: number, bytes: Buffer): boolean => receive(bytes, length, false)
    Object.assign(socket, { [buffer]: shared, [callback]: received, [generator]: null })
  }
}

import { connect, type LookupFunction, type OnReadOpts, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { type BackendAddress, tlsTo } from '../../model/backend-address.ts'

/** A socket to a backend, before it is connected. */
export type BackendSocket = {
  readonly socket: Socket
  /** What the socket runs over: itself, or the TCP connection below TLS. */
  readonly tcp: Socket
  /** Whether what has been taken is known only in the turn after. */
  readonly tellsLate: boolean
  /** Whether something that was written will never arrive. */
  readonly writeFailed: () => boolean
  /** Whether an end that was read may be one that the backend did not mean, so that an answer may have been cut. */
  readonly isCut: () => boolean
}

/** Where what is read goes, and how a backend's name is looked up. */
export type Reading = {
  readonly lookup: LookupFunction
  /** What to read into; none: what was read into before. */
  readonly buffer: () => Buffer | undefined
  /** Takes so many bytes from the start of a buffer; `false` stops reading until the socket is resumed. */
  readonly receive: (length: number, bytes: Buffer) => boolean
  /** Whether an answer has begun that has not ended. */
  readonly goesOn: () => boolean
}

/** For how long the head of an answer is awaited after a write has failed. */
const lastWordsMs = 1000

/** A plain connection, without copies of what is read. */
export function plainSocket(address: BackendAddress, reading: Reading): BackendSocket {
  const socket = connectTcp(address, reading, false)
  const writeFailed = readAfterFailedWrite(socket, reading.goesOn)
  return { socket, tcp: socket, tellsLate: false, writeFailed, isCut: writeFailed }
}

function connectTcp({ host, port }: BackendAddress, reading: Reading, allowHalfOpen: boolean): Socket {
  // Node's types do not know that a generator may return no buffer, nor that the callback gets that same buffer.
  const onread = { buffer: reading.buffer, callback: reading.receive } as unknown as OnReadOpts
  return connect({ host, port, noDelay: true, allowHalfOpen, onread, lookup: reading.lookup })
}

/**
 * A TLS connection over a TCP connection of ours. One that Node makes by itself tells neither an end that TLS has
 * announced (close_notify) from one that anybody on the way may have made (RFC 9112, 9.8), nor lets an answer be read
 * after a write has failed. Backends are named by address; who they are is decided by whoever writes the route.
 */
export function secureSocket(address: BackendAddress, reading: Reading): BackendSocket {
  const receive = (length: number, bytes: Buffer): boolean =>
    wire.push(Buffer.from(bytes.subarray(0, length)))
  // It ends before all that came over it has been passed on, and must not be closed for that.
  const tcp = connectTcp(address, { ...reading, receive }, true)
  const writeFailed = readAfterFailedWrite(tcp, reading.goesOn)
  // It goes with the TLS socket, and not before all that came over it has been read from that.
  const wire: Duplex = new Duplex({
    autoDestroy: false,
    emitClose: false,
    read: () => void tcp.resume(),
    // What fails is told by the connection's own error.
    writev: (chunks, done) => {
      tcp.cork()
      chunks.forEach(({ chunk }, i) =>
        tcp.write(chunk as Buffer, i + 1 < chunks.length ? undefined : () => done()),
      )
      tcp.uncork()
    },
    final: (done) => void tcp.end(() => done()),
    destroy: (error, done) => {
      tcp.destroy()
      done(error)
    },
  })
  let ended = false
  let announced = false
  wire.on('end', () => (ended = true))
  const socket = connectTls({ ...tlsTo(address), socket: wire, rejectUnauthorized: false })
  atItsEnd(tcp, () => wire.push(null))
  atItsEnd(socket, () => (announced = !ended))
  tcp.on('error', (error) => socket.destroy(error))
  // What is no TLS is told as an error, and the connection left open to whoever sent it.
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    if (!reading.receive(chunk.length, chunk)) socket.pause()
  })
  return { socket, tcp, tellsLate: true, writeFailed, isCut: () => !announced }
}

/** Calls back where the end of what is read is found, of which a stream says nothing once a write has failed. */
function atItsEnd(socket: Socket, found: () => void): void {
  const push = socket.push.bind(socket)
  socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null) found()
    return push(chunk, encoding)
  }
}

/**
 * A backend that answers before it has read the whole request, and closes, makes the next write fail. Its answer is
 * there all the same, so the socket is read on for a moment, and to the end of what has begun (`goesOn`).
 * Returns whether a write has failed: whoever reads then finds an end even where the connection was reset.
 */
function readAfterFailedWrite(socket: Socket, goesOn: () => boolean): () => boolean {
  const destroy = socket.destroy.bind(socket)
  let failed = false
  socket.destroy = (error?: Error) => {
    if (error === undefined || !('syscall' in error) || error.syscall !== 'write') return destroy(error)
    if (!failed) {
      const timer = setInterval(() => !goesOn() && destroy(error), lastWordsMs).unref()
      socket.once('close', () => clearInterval(timer))
    }
    failed = true
    return socket
  }
  return () => failed
}

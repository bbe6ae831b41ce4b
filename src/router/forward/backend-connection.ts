import { type LookupFunction } from 'node:net'
import { performance } from 'node:perf_hooks'
import { ChunkedDecoder } from '../http/chunked.ts'
import { isOffered } from '../http/connection.ts'
import { framing, type Framing } from '../http/framing.ts'
import { maxResponseHeadBytes, parseResponseHead, type ResponseHead } from '../http/response-head.ts'
import { type BackendAddress } from '../../model/backend-address.ts'
import { type BackendSocket, plainSocket, type Reading, secureSocket } from './backend-socket.ts'
import { type Buffers } from './buffers.ts'
import { ownErrors } from './exhaustion.ts'
import { Outbox } from './outbox.ts'
import { never } from './plane.ts'

/**
 * Why a backend gave no (whole) response. The first five: no byte of the request has reached it. `exhausted`: this
 * machine has no port, file or memory left for a connection, which says nothing about the backend. `unsent`: its idle
 * connection was closed, or not as idle as it seemed, before the request went out. `timeout`: it was silent; `slow`:
 * there was life, but too little.
 */
export type Failure =
  | 'exhausted'
  | 'refused'
  | 'unreachable'
  | 'connectTimeout'
  | 'unsent'
  | 'reset'
  | 'malformed'
  | 'truncated'
  | 'timeout'
  | 'slow'

/** Who is told about the response to the request on a connection. Calls come in this order. */
export type Responder = {
  /** A response to HEAD has no body. */
  readonly isHead: boolean
  /** The protocols that the request offered to upgrade to, as a list, or ''. */
  readonly upgrade: string
  /** The backend may take whatever follows on its connection for its user's. */
  readonly bindsConnection: boolean
  /** It has a body and asks for leave to send it. */
  readonly wantsContinue: boolean
  connected(): void
  /** The backend has taken what it was sent. */
  drained(): void
  /** A 1xx besides 101. */
  interim(head: ResponseHead): void
  /**
   * `body` is how the body will be delimited; none when there is no body. `whole`: all of the body is in the head's
   * text, and nothing follows but the end.
   */
  head(head: ResponseHead, body: Framing, whole: boolean): void
  data(buf: Buffer, from: number, to: number, stable: boolean): void
  /** Everything of this event has been given; `false` stops reading until `resume`. */
  flush(): boolean
  /** Whether bytes given as stable may still wait for the kernel. */
  unflushed(): boolean
  /** The response is complete, and the connection has been given back or closed: what is left is sent. */
  end(): void
  failed(failure: Failure): void
}

/** The connection's owner. */
export type ConnectionPool = {
  /** Takes the connection back; false: it is not wanted. */
  keep(connection: BackendConnection): boolean
  gone(connection: BackendConnection): void
}

/** Within a second: long work may say for hours that it goes on, but a flood is refused. */
const maxInterim = 16
/** A read of more than this during a body means that more is coming: worth a buffer of its own. */
const bulkBytes = 16 * 1024

/** One TCP or TLS connection to a backend, and the strict reader of what comes from it. */
export class BackendConnection {
  readonly out: Outbox
  readonly #backend: BackendSocket
  readonly #socket: BackendSocket['socket']
  readonly #pool: ConnectionPool
  readonly #buffers: Buffers
  readonly #head: ResponseHead
  #responder: Responder | undefined
  /** Whether a request has been answered on it before. */
  reused = false
  connected = false
  /** When it became idle, and when it must no longer be used (performance.now()). */
  idleSince = never
  idleUntil = Infinity
  #error: Error | undefined
  #partial: Buffer | undefined
  #inBody = false
  #tunnel = false
  /** To the present request, in the second from `#interimsFrom` on. */
  #interims = 0
  #interimsFrom = never
  #framing: Framing = framing.none
  #left = 0
  #chunked: ChunkedDecoder | undefined
  #keepAlive = false
  /** The backend takes the body: it was not asked, or has said so. */
  #hasLeave = true
  #keepAliveSeconds = -1
  /** The whole request has been written; only then may the connection be used again. */
  requestDone = false
  #private: Buffer | undefined
  #nextBuffer: Buffer | undefined

  constructor(
    address: BackendAddress,
    pool: ConnectionPool,
    buffers: Buffers,
    head: ResponseHead,
    lookup: LookupFunction,
  ) {
    this.#pool = pool
    this.#buffers = buffers
    this.#head = head
    this.#nextBuffer = buffers.shared
    const reading: Reading = {
      lookup,
      buffer: () => this.#takeNext(),
      receive: (length, bytes) => this.#receive(bytes, length),
      goesOn: () => this.#inBody || this.#tunnel,
    }
    this.#backend = address.tls ? secureSocket(address, reading) : plainSocket(address, reading)
    this.#socket = this.#backend.socket
    this.#socket.once(address.tls ? 'secureConnect' : 'connect', () => this.#connected())
    this.out = new Outbox(this.#socket, buffers, () => this.#responder?.drained(), this.#backend.tcp)
    this.#socket.on('error', (error) => (this.#error = error))
    this.#socket.on('end', () => this.#ended())
    this.#socket.on('close', () => this.#closed())
  }

  #takeNext(): Buffer | undefined {
    const next = this.#nextBuffer
    // Of a name with several addresses each is tried with a handle of its own, and asks for the buffer again.
    if (this.connected) this.#nextBuffer = undefined
    return next
  }

  #connected(): void {
    this.connected = true
    this.#responder?.connected()
  }

  /** Starts a request; its bytes go to `out`. */
  assign(responder: Responder): void {
    this.#responder = responder
    this.requestDone = false
    this.#interims = 0
    this.#hasLeave = !responder.wantsContinue
    this.out.begin()
  }

  /** It has been closed here or by the backend, of which its pool hears only at the end of the turn. */
  get gone(): boolean {
    return this.#socket.destroyed
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Aborts what is in progress; the responder hears nothing more. */
  destroy(): void {
    this.#responder = undefined
    this.#socket.destroy()
  }

  /** The client's half of a tunnel is finished. */
  endTunnel(): void {
    this.#socket.end()
  }

  keepSocketAlive(): void {
    this.#backend.tcp.setKeepAlive(true, 60_000)
  }

  /** Gives up on the request in progress and says why. */
  fail(failure: Failure): void {
    const responder = this.#responder
    this.#responder = undefined
    this.#socket.destroy()
    responder?.failed(failure)
  }

  #ended(): void {
    if (this.#responder === undefined) {
      this.#socket.destroy()
      return
    }
    // In the middle of a TLS handshake, which Node goes on to destroy it for.
    if (!this.connected) return
    const ends = this.#inBody && this.#framing === framing.untilClose && !this.#backend.isCut()
    if (this.#tunnel || ends) this.#finish(false)
    else this.fail(this.#inBody ? 'truncated' : this.#unanswered())
  }

  #closed(): void {
    this.#releasePrivate()
    this.#pool.gone(this)
    if (this.#responder === undefined) return
    if (!this.connected) this.fail(failureOfConnect(this.#error))
    else if (this.#inBody || this.#tunnel) this.fail('truncated')
    else this.fail(this.#unanswered())
  }

  #unanswered(): Failure {
    if (this.#partial !== undefined) return 'malformed'
    return this.reused && !this.out.wrote ? 'unsent' : 'reset'
  }

  /** Returns false when reading should stop. */
  #receive(bytes: Buffer, length: number): boolean {
    const responder = this.#responder
    // A backend that speaks unasked answers a question of somebody else.
    if (responder === undefined) {
      this.#socket.destroy()
      return true
    }
    if (this.#tunnel) {
      responder.data(bytes, 0, length, bytes !== this.#buffers.shared)
      return this.#flushed(responder, bytes, length)
    }
    // Nor does it answer what still waits to go out.
    if (!this.out.wrote) {
      this.fail(this.reused ? 'unsent' : 'malformed')
      return true
    }
    let buf = bytes
    let pos = 0
    let end = length
    while (!this.#inBody) {
      if (this.#partial !== undefined) {
        buf = Buffer.concat([this.#partial, buf.subarray(pos, end)])
        pos = 0
        end = buf.length
        this.#partial = undefined
      }
      const next = parseResponseHead(this.#head, buf, pos, end)
      if (next < 0 || (next === 0 ? end : next) - pos > maxResponseHeadBytes) {
        this.fail('malformed')
        return true
      }
      if (next === 0) {
        this.#partial = Buffer.from(buf.subarray(pos, end))
        return responder.flush()
      }
      pos = next
      if (this.#head.status < 200) {
        const kind = this.#readInterim(responder)
        if (kind === 'refuse') {
          this.fail('malformed')
          return true
        }
        if (kind === 'tunnel') {
          if (pos < end) responder.data(buf, pos, end, buf !== this.#buffers.shared)
          return responder.flush()
        }
        if (pos === end) return responder.flush()
        continue
      }
      if (this.#startBody(responder, end - pos)) {
        this.#finish(true)
        return true
      }
    }
    return this.#readBody(responder, buf, pos, end, buf !== this.#buffers.shared)
  }

  #readInterim(responder: Responder): 'refuse' | 'tunnel' | 'more' {
    const head = this.#head
    const now = performance.now()
    if (now - this.#interimsFrom > 1000) {
      this.#interimsFrom = now
      this.#interims = 0
    }
    this.#interims += 1
    if (this.#interims > maxInterim) return 'refuse'
    if (head.status === 100) this.#hasLeave = true
    if (head.status !== 101) {
      responder.interim(head)
      return 'more'
    }
    if (!head.upgrades || !isOffered(responder.upgrade, head.upgrade)) return 'refuse'
    this.#tunnel = true
    responder.head(head, framing.none, false)
    return 'tunnel'
  }

  /** `there`: bytes behind the head. Returns whether they are the whole body and were passed on with it. */
  #startBody(responder: Responder, there: number): boolean {
    const head = this.#head
    // Who answers before it has all may take the rest of it for a request. (What TLS has sent it tells late.)
    const isAsked = this.requestDone && this.#hasLeave && (this.#backend.tellsLate || this.out.empty)
    // And who announces a body that cannot be there may send it all the same.
    const isOdd = head.status === 204 && (head.framing === framing.chunked || head.contentLength > 0)
    this.#keepAlive = head.keepAlive && isAsked && !isOdd && !responder.bindsConnection
    this.#keepAliveSeconds = head.keepAliveSeconds
    const bodyless = responder.isHead || head.status === 204 || head.status === 304
    this.#framing = bodyless ? framing.none : head.framing
    this.#left = this.#framing === framing.length ? head.contentLength : 0
    this.#chunked = this.#framing === framing.chunked ? new ChunkedDecoder() : undefined
    this.#inBody = true
    const whole = this.#framing === framing.length && this.#left === there && head.restLength === there
    responder.head(head, this.#framing, whole)
    return whole
  }

  #readBody(responder: Responder, buf: Buffer, from: number, end: number, stable: boolean): boolean {
    let pos = from
    const chunked = this.#chunked
    if (chunked !== undefined) {
      pos = chunked.decode(buf, pos, end, (bytes, start, to) => responder.data(bytes, start, to, stable))
      if (chunked.problem !== '') {
        this.fail('truncated')
        return true
      }
    } else if (this.#framing === framing.untilClose) {
      if (pos < end) responder.data(buf, pos, end, stable)
      pos = end
    } else {
      const to = end - pos > this.#left ? pos + this.#left : end
      if (to > pos) responder.data(buf, pos, to, stable)
      this.#left -= to - pos
      pos = to
    }
    const complete =
      chunked === undefined ? this.#framing !== framing.untilClose && this.#left === 0 : chunked.done
    if (!complete) return this.#flushed(responder, buf, end - from)
    this.#finish(pos === end)
    return true
  }

  /** Ends an event in the middle of a body: large bodies get a buffer of their own, which is not copied. */
  #flushed(responder: Responder, buf: Buffer, length: number): boolean {
    const more = responder.flush()
    if (buf === this.#private) {
      // Where reading stops, it goes on only once everything has left the buffer.
      if (more && responder.unflushed()) this.#private = this.#nextBuffer = this.#buffers.take()
    } else if (length > bulkBytes && buf === this.#buffers.shared) {
      this.#private = this.#nextBuffer = this.#buffers.take()
    }
    return more
  }

  /** `taker`: who may still have bytes of it waiting; a buffer that nobody waits for is used again. */
  #releasePrivate(taker?: Responder): void {
    if (this.#private === undefined) return
    if (taker?.unflushed() === false) this.#buffers.give(this.#private)
    this.#private = undefined
    this.#nextBuffer = this.#buffers.shared
  }

  #finish(clean: boolean): void {
    const responder = this.#responder!
    this.#releasePrivate(responder)
    this.#responder = undefined
    this.#inBody = false
    this.#chunked = undefined
    const reusable = clean && this.#keepAlive && this.requestDone && !this.#tunnel
    this.reused = true
    if (this.#keepAliveSeconds >= 0) {
      // A second before the backend would close it, so that the two do not cross on the wire.
      this.idleUntil = performance.now() + (this.#keepAliveSeconds - 1) * 1000
    }
    if (!reusable) this.#socket.destroy()
    else if (this.#backend.tellsLate && !this.out.empty) setImmediate(() => this.#giveBack())
    else this.#giveBack()
    responder.end()
  }

  /** An answer to what has not been sent whole says nothing about the one that will come to it. */
  #giveBack(): void {
    // Of what tells at once that has been found out when the answer began.
    const asked = (!this.#backend.tellsLate || this.out.empty) && !this.#backend.writeFailed()
    if (!asked || this.gone || !this.#pool.keep(this)) this.#socket.destroy()
  }
}

function failureOfConnect(error: Error | undefined): Failure {
  const code = error !== undefined && 'code' in error ? error.code : undefined
  if (ownErrors.has(code)) return 'exhausted'
  if (code === 'ECONNREFUSED') return 'refused'
  return code === 'ETIMEDOUT' ? 'connectTimeout' : 'unreachable'
}

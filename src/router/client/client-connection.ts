import { type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Exchange } from '../forward/exchange.ts'
import { Outbox } from '../forward/outbox.ts'
import { type Client, never, type Plane } from '../forward/plane.ts'
import { answeredOf, debugFields, errorFields, nothingAsked } from '../forward/report.ts'
import { isLineEnd } from '../http/bytes.ts'
import { isBodyless } from '../http/framing.ts'
import { plainAddress } from '../http/host.ts'
import { isHead, noHost, parseRequestHead, type RequestHead } from '../http/request-head.ts'
import { unknownHost } from '../pages.ts'
import { type TableRoute } from '../table/route-table.ts'
import { clientDueOf } from './due.ts'
import { clientOf, type Origin, originOf, upstreamHead } from './forwarded.ts'
import { HeadPieces } from './head-pieces.ts'
import { type Listener } from './listener.ts'
import { answerHead } from './own-answer.ts'
import { hasProxyHeader, incomplete, parseProxyHeader } from './proxy-protocol.ts'

/** So much behind the request in progress is read: enough to notice that the client is gone. */
const heldBytes = 16 * 1024
const routesUnknown = [503, 'the routes are not known yet'] as const
/** For how long at most a client may go on sending what nobody wants any more. */
const lingerMaxMs = 30_000

/** One client connection: reads requests one after another, each of which becomes an Exchange. */
export class ClientConnection implements Client {
  readonly out: Outbox
  place = 0
  readonly #socket: Socket
  readonly #plane: Plane
  #origin: Origin
  /** Who is believed about the client, where the peer is one of them. */
  #trusts: Plane['trusts'] | undefined
  /** What it asked for last. */
  readonly #known = noHost()
  /** Of the request in progress. */
  minor = 1
  #exchange: Exchange | undefined
  /** Bytes that wait: a head that is not whole, or requests behind the one in progress. */
  #pending: Buffer | undefined
  /** Of a head that is not whole, behind what is pending. */
  readonly #pieces = new HeadPieces()
  #expectProxyHeader: boolean
  #processing = false
  #held = false
  /** Nothing is read from the socket until somebody reads on. */
  #stopped = false
  #closing = false
  #tunnel = false
  /** When the client half-closed. */
  #endedAt = never
  /** When the current wait began: for a head, for the next request, for the end of lingering. */
  #since = never
  #closingAt = never
  #started = false

  constructor(socket: Socket, plane: Plane, listener: Listener) {
    this.#socket = socket
    this.#plane = plane
    this.out = new Outbox(socket, plane.buffers, () => this.#drained())
    const address = plainAddress(socket.remoteAddress ?? '')
    this.#origin = originOf(address, listener)
    this.#trusts = address !== '' && plane.trusts(address) ? plane.trusts : undefined
    this.#expectProxyHeader = listener.proxyProtocol && this.#trusts !== undefined
    this.#since = plane.clock
    plane.clients.add(this)
    socket.on('error', () => undefined)
    socket.on('end', () => this.#ended())
    socket.on('close', () => this.#closed())
    listener.reader(socket, (buf, length, stable) => {
      this.#receive(buf, length, stable)
      this.#stopped = this.#full()
      return !this.#stopped
    })
  }

  get address(): string {
    return this.#origin.address
  }

  get route(): TableRoute | undefined {
    return this.#exchange?.route
  }

  #receive(bytes: Buffer, length: number, stable: boolean): void {
    if (this.#closing) {
      if (this.#plane.clock - this.#closingAt < lingerMaxMs) this.#since = this.#plane.clock
      return
    }
    if (this.#pending === undefined) {
      this.#process(bytes, 0, length, stable)
      return
    }
    const piece = bytes.subarray(0, length)
    const isOther = this.#held || this.#expectProxyHeader
    const buf = isOther ? Buffer.concat([this.#pending, piece]) : this.#pieces.join(this.#pending, piece)
    if (buf === undefined) return
    this.#pending = undefined
    this.#process(buf, 0, buf.length, true)
  }

  #process(buf: Buffer, from: number, end: number, stable: boolean): void {
    this.#processing = true
    let pos = from
    if (this.#expectProxyHeader) pos = this.#readProxyHeader(buf, pos, end)
    while (pos < end && !this.#closing) {
      const exchange = this.#exchange
      if (exchange === undefined) {
        // Who does not take the answers gets no more of them.
        if (this.out.congested) {
          this.#hold(buf, pos, end)
          break
        }
        const head = this.#plane.requestHead
        const next = parseRequestHead(head, buf, pos, end, this.#known)
        if (next <= 0) {
          if (next === 0) this.#keepPartial(buf, pos, end)
          else this.#refuse(-next, head.reason, isHead(buf, pos, end), this.#debugOf(head, head.reason))
          break
        }
        pos = next
        this.#begin(head, pos < end)
      } else if (this.#tunnel) {
        exchange.tunnel(buf, pos, end, stable)
        pos = end
      } else if (exchange.requestDone) {
        this.#hold(buf, pos, end)
        break
      } else {
        pos = exchange.feed(buf, pos, end, stable)
      }
    }
    this.#processing = false
  }

  /** Returns where HTTP begins, or `end` when it has not yet or never will. */
  #readProxyHeader(buf: Buffer, from: number, end: number): number {
    const present = hasProxyHeader(buf, from, end)
    if (present === false) {
      this.#expectProxyHeader = false
      return from
    }
    const header = present === undefined ? incomplete : parseProxyHeader(buf, from, end)
    if (header === undefined) {
      this.#closing = true
      this.#socket.destroy()
      return end
    }
    if (header.length === 0) {
      this.#keepPartial(buf, from, end)
      return end
    }
    this.#expectProxyHeader = false
    this.#started = false
    this.#since = this.#plane.clock
    if (header.address !== undefined) {
      this.#origin = originOf(plainAddress(header.address), this.#origin)
      this.#trusts = this.#plane.trusts(this.address) ? this.#plane.trusts : undefined
    } else if (!header.local) this.#trusts = undefined
    return from + header.length
  }

  #keepPartial(buf: Buffer, from: number, end: number): void {
    if (!this.#started && !isLineEnd(buf, from, end)) {
      this.#started = true
      this.#since = this.#plane.clock
    }
    this.#pending = Buffer.from(buf.subarray(from, end))
  }

  /** Requests behind the one in progress wait. */
  #hold(buf: Buffer, from: number, end: number): void {
    this.#pending = Buffer.from(buf.subarray(from, end))
    this.#held = true
  }

  /** Whether there is no place for more from the client. */
  #full(): boolean {
    if (this.#held && this.#pending !== undefined && this.#pending.length >= heldBytes) return true
    return this.#exchange?.congested === true
  }

  #begin(head: RequestHead, more: boolean): void {
    const plane = this.#plane
    const now = plane.turn.now()
    this.#started = false
    this.minor = head.minor
    if (head.authority === '__ping__') {
      this.#page(head, 200, 'ok')
      return
    }
    const route = plane.table.lookup(head.host)
    const known = route?.host === head.host || plane.routesKnown()
    // A host may have a route of its own that has not been read yet, and is nobody else's until then.
    if (route === undefined || !known) {
      const [status, reason] = known ? [plane.unknownHostStatus, unknownHost] : routesUnknown
      this.#page(head, status, reason)
      return
    }
    const upstream = upstreamHead(head, this.#origin, this.#trusts, plane.requestId())
    const exchange = new Exchange(plane, this, head, route, upstream, now, this.#debugs(head))
    this.#exchange = exchange
    exchange.start(more)
  }

  /** Answers a request that no exchange was made for. */
  #page(head: RequestHead, status: number, reason: string): void {
    const complete = isBodyless(head)
    const keepAlive = head.keepAlive && complete && !this.#plane.draining
    const more = this.#debugOf(head, reason)
    const bytesSent = this.#write(status, reason, undefined, head.method === 'HEAD', keepAlive, more)
    if (reason !== 'ok') {
      this.#plane.onFinished(answeredOf(head, { address: this.address, route: undefined, status, bytesSent }))
    }
    if (!keepAlive) this.#close(true)
    else this.#since = this.#plane.clock
  }

  /** Whether the client asks for x-debug and may have it. */
  #debugs(head: RequestHead): boolean {
    if (!head.debug) return false
    const client = clientOf(head, this.address, this.#trusts)
    return client !== undefined && this.#plane.debugs(client)
  }

  /** Hipache's x-debug fields of an answer of our own. */
  #debugOf(head: RequestHead, reason: string): string {
    return this.#debugs(head) ? errorFields(reason) : ''
  }

  /** What is not a request that could be passed on: say so and close. */
  #refuse(status: number, reason: string, isHead = false, more = ''): void {
    const bytesSent = this.#write(status, reason, undefined, isHead, false, more)
    this.#plane.onFinished(
      answeredOf(nothingAsked, { address: this.address, route: undefined, status, bytesSent }),
    )
    this.#close(true)
  }

  answer(status: number, reason: string, exchange: Exchange): void {
    this.#exchange = undefined
    // What it asked before it half-closed may be read only after this.
    const asksOn = this.#held || this.#processing || this.#endedAt === never
    const keepAlive = exchange.keepAlive && exchange.requestDone && asksOn && !this.#plane.draining
    const debug = exchange.debug ? errorFields(reason) + debugFields(exchange) : ''
    exchange.bytesSent = this.#write(status, reason, exchange.route, exchange.isHead, keepAlive, debug)
    exchange.report()
    if (keepAlive) this.#next()
    else this.#close(true)
  }

  #write(
    status: number,
    reason: string,
    route: TableRoute | undefined,
    isHead: boolean,
    keepAlive: boolean,
    more: string,
  ): number {
    const page = this.#plane.page(status, reason, route)
    const { body } = page
    const text = answerHead(page, { minor: this.minor, keepAlive, more })
    this.out.text(text)
    if (!isHead) this.out.bytes(body, 0, body.length, true)
    this.out.flush()
    return text.length + (isHead ? 0 : body.length)
  }

  done(close: boolean, unread: boolean): void {
    this.#exchange = undefined
    if (this.#tunnel) return this.#close(true)
    if (close || (this.#endedAt !== never && !this.#held)) {
      this.#close(unread || (close && this.#pending !== undefined))
      return
    }
    this.#next()
  }

  /** Goes on to the next request, which may have arrived already. */
  #next(): void {
    this.#since = this.#plane.clock
    if (this.#processing) return
    const pending = this.#pending
    if (pending !== undefined && this.#held) {
      this.#held = false
      this.#pending = undefined
      this.#process(pending, 0, pending.length, true)
      if (this.#endedAt !== never && this.#idle()) this.#close(false)
    }
    this.readOn()
  }

  #idle(): boolean {
    return this.#exchange === undefined && !this.#held && !this.#closing
  }

  /** The client has taken what it was sent. */
  #drained(): void {
    if (this.#exchange !== undefined) this.#exchange.clientDrained()
    else if (this.#held && !this.#closing) this.#next()
  }

  /** `unread`: the client may still be sending, and a plain close would reset what it has not read yet. */
  #close(unread: boolean): void {
    this.#closing = true
    this.#since = this.#closingAt = this.#plane.clock
    if (unread) {
      this.#pending = undefined
      this.out.finish('end')
      this.#held = false
      this.readOn()
    } else this.out.finish('destroy')
  }

  cut(): void {
    this.#exchange = undefined
    this.#closing = true
    // Answers to earlier requests.
    this.out.flush()
    this.#abort()
  }

  /** Closes so that the client cannot take what it has for the whole. */
  #abort(): void {
    // TLS ends without its close_notify, which says the same; Node resets plain connections only.
    if (this.#socket instanceof TLSSocket) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  becomeTunnel(): void {
    this.#tunnel = true
    this.#socket.setKeepAlive(true, 60_000)
    const pending = this.#pending
    this.#held = false
    this.#pending = undefined
    if (pending !== undefined) this.#exchange?.tunnel(pending, 0, pending.length, true)
    if (this.#endedAt !== never) this.#exchange?.tunnelEnd()
    this.readOn()
  }

  readOn(): void {
    if (!this.#stopped || this.#full() || this.#socket.destroyed) return
    this.#stopped = false
    this.#socket._read(0)
  }

  #ended(): void {
    const exchange = this.#exchange
    const awaits = exchange === undefined ? this.#held : exchange.requestDone
    if (this.#tunnel) exchange?.tunnelEnd()
    if (this.#tunnel || awaits) this.#endedAt = performance.now()
    else if (exchange !== undefined && exchange.status !== 0) this.#abort()
    else this.out.finish('destroy')
  }

  #closed(): void {
    this.#closing = true
    this.#plane.clients.delete(this)
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.abandon()
  }

  sweep(now: number): void {
    const exchange = this.#exchange
    const unsent = this.out.unflushed
    if (unsent && this.out.moved(this.#plane.sendQueues)) {
      this.#since = now
      if (exchange !== undefined) exchange.progressAt = now
    }
    const at = {
      closing: this.#closing,
      unsent,
      since: this.#since,
      started: this.#started,
      endedAt: this.#endedAt,
      exchange,
    }
    const due = clientDueOf(at, this.#plane.timeouts, now)
    if (due === 'abort') this.#abort()
    else if (due === 'destroy' && this.#closing) this.#socket.destroy()
    else if (due === 'destroy') this.#close(false)
    else if (due === 'late') this.#refuse(408, 'the request did not arrive in time')
    else exchange?.sweep(now)
  }

  drain(): void {
    if (this.#idle() && !this.#started) this.#close(false)
  }

  destroy(): void {
    if (this.#tunnel || (this.#exchange === undefined && !this.out.unflushed)) this.#socket.destroy()
    else this.#abort()
  }
}

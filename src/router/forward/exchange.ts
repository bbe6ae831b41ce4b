import { ChunkedDecoder } from '../http/chunked.ts'
import { framing, type Framing, type RequestHead, withoutFields } from '../http/request-head.ts'
import { type ResponseHead } from '../http/response-head.ts'
import { type TableRoute } from '../table/route-table.ts'
import { type Backend } from './backend.ts'
import { type BackendConnection, type Failure, type Responder } from './backend-connection.ts'
import { latin1 } from '../http/bytes.ts'
import { chooseBackend, noBackend } from './choose.ts'
import { type Outbox } from './outbox.ts'
import { type Plane } from './plane.ts'

/** The client connection that an exchange answers. */
export type ExchangeClient = {
  readonly out: Outbox
  readonly address: string
  readonly minor: number
  pause(): void
  resume(): void
  /** The response is complete; `close` when the connection cannot go on. */
  done(close: boolean): void
  /** The router answers itself: a page with this status. */
  answer(status: number, reason: string, exchange: Exchange): void
  /** The response cannot be finished, and the client must notice. */
  cut(): void
  becomeTunnel(): void
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PROPFIND', 'REPORT', 'SEARCH'])
/** Without a byte from the backend for this long, it is worth asking whether it still lives. */
const slowMs = 5000
export const stickyCookie = 'paas_backend'

/** One request and its response: chooses the backend, carries bytes both ways, repeats what can be repeated. */
export class Exchange implements Responder {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly authority: string
  readonly minor: number
  readonly route: TableRoute
  readonly isHead: boolean
  readonly upgrade: string
  readonly referer: string
  readonly userAgent: string
  readonly startedAt: number
  backendStartedAt = 0
  backend: Backend | undefined
  backendIndex = -1
  /** Status sent to the client; 0 before. */
  status = 0
  bytesSent = 0
  requestDone: boolean
  /** Whether the client connection may go on after the response. */
  keepAlive: boolean
  readonly debug: boolean
  readonly #plane: Plane
  readonly #client: ExchangeClient
  readonly #head: string
  readonly #repeatable: boolean
  readonly #wantsContinue: boolean
  readonly #sticky: string
  readonly #tried: number[] = []
  #left: number
  #chunked: ChunkedDecoder | undefined
  /** What was sent after the head, as long as the request can be sent again. */
  #replay: (string | Buffer)[] | undefined
  #replayed = 0
  #conn: BackendConnection | undefined
  #queued = false
  #attempts = 0
  #paused = false
  #tunnel = false
  /** How the body goes to the client. */
  #chunking = false
  #over = false
  #slowTold = false
  #progressAt: number
  #stickyToSet = ''

  constructor(
    plane: Plane,
    client: ExchangeClient,
    head: RequestHead,
    route: TableRoute,
    text: string,
    now: number,
    debug: boolean,
  ) {
    this.#plane = plane
    this.#client = client
    this.route = route
    this.method = head.method
    this.target = head.target
    this.host = head.host
    this.authority = head.authority
    this.minor = head.minor
    this.isHead = head.method === 'HEAD'
    this.upgrade = head.upgrade
    this.referer = head.referer
    this.userAgent = head.userAgent
    this.debug = debug
    this.startedAt = this.#progressAt = now
    this.#head = text
    this.keepAlive = head.keepAlive
    this.#left = head.contentLength
    this.#chunked = head.framing === framing.chunked ? new ChunkedDecoder() : undefined
    this.requestDone = head.framing === framing.none || (head.framing === framing.length && this.#left === 0)
    this.#repeatable = head.upgrade === '' && idempotent.has(head.method)
    this.#wantsContinue = head.expectsContinue
    this.#sticky = head.cookie.includes(stickyCookie) ? stickyOf(head.cookie) : ''
  }

  // The request

  /** Chooses a backend and sends what there is of the request. */
  start(): void {
    this.#attempt(false)
  }

  /** Reads the body; returns the offset that it read to. A body that must not be passed on is answered. */
  feed(buf: Buffer, from: number, end: number, stable: boolean): number {
    let pos = from
    this.#progressAt = this.#plane.clock
    const chunked = this.#chunked
    if (chunked === undefined) {
      const to = end - pos > this.#left ? pos + this.#left : end
      this.#sendData(buf, pos, to, stable)
      this.#left -= to - pos
      pos = to
      if (this.#left === 0) this.requestDone = true
    } else {
      pos = chunked.decode(buf, pos, end, (bytes, start, to) => this.#sendData(bytes, start, to, stable))
      if (chunked.problem !== '') {
        this.#refuseBody(chunked.status, chunked.problem)
        return end
      }
      if (chunked.done) {
        this.requestDone = true
        this.#sendText('0\r\n\r\n')
      }
    }
    const conn = this.#conn
    if (conn !== undefined) {
      conn.requestDone = this.requestDone
      conn.out.flush()
      if (conn.out.congested && !this.requestDone) this.#pauseClient()
    } else if (this.#replayed >= this.#plane.replayBytes && !this.requestDone) this.#pauseClient()
    return pos
  }

  #sendData(buf: Buffer, from: number, to: number, stable: boolean): void {
    if (to === from) return
    const chunked = this.#chunked !== undefined
    if (this.#replay === undefined) {
      if (chunked) this.#conn!.out.chunk(buf, from, to, stable)
      else this.#conn!.out.bytes(buf, from, to, stable)
      return
    }
    if (to - from <= 4096) {
      const text = latin1(buf, from, to)
      this.#sendText(chunked ? `${(to - from).toString(16)}\r\n${text}\r\n` : text)
      return
    }
    const piece = buf.subarray(from, to)
    const data = stable ? piece : Buffer.from(piece)
    if (chunked) this.#sendText(`${data.length.toString(16)}\r\n`)
    this.#sendBytes(data)
    if (chunked) this.#sendText('\r\n')
  }

  #sendBytes(data: Buffer): void {
    this.#replay?.push(data)
    this.#conn?.out.bytes(data, 0, data.length, true)
    this.#countReplay(data.length)
  }

  #sendText(text: string): void {
    this.#replay?.push(text)
    this.#conn?.out.text(text)
    this.#countReplay(text.length)
  }

  /** What is over the cap is only kept while no backend has it. */
  #countReplay(bytes: number): void {
    if (this.#replay === undefined) return
    this.#replayed += bytes
    if (this.#replayed > this.#plane.replayBytes && this.#conn?.connected === true) this.#replay = undefined
  }

  #pauseClient(): void {
    if (this.#paused) return
    this.#paused = true
    this.#client.pause()
  }

  #resumeClient(): void {
    this.#progressAt = this.#plane.clock
    if (!this.#paused) return
    this.#paused = false
    this.#client.resume()
  }

  #attempt(fresh: boolean): void {
    const { table } = this.#plane
    const now = this.#attempts === 0 ? this.startedAt : performance.now()
    // The table may have changed since the last attempt, and indexes with it.
    const route = this.#attempts === 0 ? this.route : (table.lookup(this.host) ?? this.route)
    const backends = table.backendsOf(route)
    const dead = table.deadOf(this.host, now)
    const options = this.#plane.optionsFor(route)
    let index = -1
    if (options?.sticky === true) index = this.#stickyIndex(route, backends, dead)
    if (index < 0) index = chooseBackend(backends, options, dead, this.#tried, Math.random)
    if (index < 0) {
      this.#noBackend(index)
      return
    }
    const backend = backends[index]!
    if (options?.sticky === true) this.#keepSticky(backend)
    this.#attempts += 1
    this.#tried.push(index)
    this.backend = backend
    this.backendIndex = index
    this.backendStartedAt = now
    this.#replay ??= []
    backend.inFlight += 1
    const entered = backend.enter(this, options?.maxInFlight)
    if (entered === true) this.#open(fresh)
    else if (entered === false) this.#queued = true
    else {
      backend.inFlight -= 1
      this.backend = undefined
      this.#answer(503, 'the app has too many requests at once')
    }
  }

  /** A place in the queue became a turn. */
  proceed(): void {
    this.#queued = false
    this.#open(false)
  }

  #open(fresh: boolean): void {
    const backend = this.backend!
    const conn = fresh ? backend.newConnection() : backend.connection(this.#repeatable, this.backendStartedAt)
    this.#conn = conn
    conn.assign(this)
    conn.requestDone = this.requestDone
    this.#progressAt = this.backendStartedAt
    conn.out.text(this.#head)
    for (const piece of this.#replay ?? []) {
      if (typeof piece === 'string') conn.out.text(piece)
      else conn.out.bytes(piece, 0, piece.length, true)
    }
    conn.out.flush()
    if (conn.connected) this.#reached()
    if (!conn.out.congested) this.#resumeClient()
  }

  drained(): void {
    this.#resumeClient()
  }

  connected(): void {
    this.#reached()
    if (this.#conn?.out.congested === false) this.#resumeClient()
  }

  /** From here on bytes may have reached the backend. */
  #reached(): void {
    this.#progressAt = this.#plane.clock
    if (!this.#repeatable || this.#replayed > this.#plane.replayBytes) this.#replay = undefined
  }

  #stickyIndex(
    route: TableRoute,
    backends: readonly (Backend | undefined)[],
    dead: ReadonlySet<number> | undefined,
  ): number {
    if (this.#sticky === '') return -1
    return backends.findIndex(
      (backend, i) =>
        backend?.ejected === undefined &&
        backend !== undefined &&
        dead?.has(i) !== true &&
        !this.#tried.includes(i) &&
        this.#plane.stickyToken(route.host, backend.url) === this.#sticky,
    )
  }

  #keepSticky(backend: Backend): void {
    const token = this.#plane.stickyToken(this.route.host, backend.url)
    this.#stickyToSet = token === this.#sticky ? '' : token
  }

  #noBackend(why: number): void {
    if (this.#attempts > 0) this.#answer(502, 'Reached max retries limit')
    else if (why === noBackend.invalid) this.#answer(502, 'backend is invalid')
    else if (why === noBackend.ejected) this.#answer(503, 'the app does not answer')
    else this.#answer(502, 'Cannot find a valid backend')
  }

  // The response

  interim(head: ResponseHead): void {
    this.#progressAt = this.#plane.clock
    if (this.minor === 0 || (head.status === 100 && !this.#wantsContinue)) return
    const reason = head.reason === '' ? '' : ` ${head.reason}`
    this.#client.out.text(`HTTP/1.1 ${head.status}${reason}\r\n${head.fields}\r\n`)
  }

  head(head: ResponseHead, body: Framing): void {
    const { backend } = this
    this.#replay = undefined
    this.status = head.status
    this.#progressAt = backend!.lastResponse = this.#plane.clock
    this.#plane.onResponse(this.route, this.host, this.backendIndex, backend!, head.status, head.retryAfter)
    if (head.status === 101) {
      this.#startTunnel(head)
      return
    }
    let { fields } = head
    let more = ''
    if (body === framing.untilClose || body === framing.chunked) {
      if (this.minor === 0) {
        if (body === framing.chunked) fields = withoutFields(fields, ['transfer-encoding'])
        this.keepAlive = false
      } else {
        if (body === framing.untilClose) more = 'Transfer-Encoding: chunked\r\n'
        this.#chunking = true
      }
    } else if (body === framing.none && head.framing !== framing.untilClose) {
      // A response to HEAD and a 304 may tell the length that there would be; a 204 may not.
      const unwanted = head.framing === framing.chunked && this.minor === 0 ? ['transfer-encoding'] : []
      if (head.status === 204) unwanted.push('content-length', 'transfer-encoding')
      if (unwanted.length > 0) fields = withoutFields(fields, unwanted)
    }
    if (this.#plane.draining) this.keepAlive = false
    if (!this.keepAlive) more += 'Connection: close\r\n'
    else if (this.minor === 0) more += 'Connection: keep-alive\r\n'
    if (this.#stickyToSet !== '') {
      more += `Set-Cookie: ${stickyCookie}=${this.#stickyToSet}; Path=/; HttpOnly; SameSite=Lax\r\n`
    }
    if (this.debug) more += this.debugFields()
    const text = `HTTP/1.1 ${head.status} ${head.reason}\r\n${fields}${more}\r\n`
    this.bytesSent += text.length
    this.#client.out.text(text)
  }

  #startTunnel(head: ResponseHead): void {
    this.#tunnel = true
    const text = `HTTP/1.1 101 ${head.reason}\r\n${head.fields}Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n\r\n`
    this.bytesSent += text.length
    this.#client.out.text(text)
    this.#client.out.flush()
    // A tunnel may live for days, so it does not hold a turn that requests wait for.
    this.backend!.leave()
    this.#conn!.keepSocketAlive()
    this.#client.becomeTunnel()
  }

  data(buf: Buffer, from: number, to: number, stable: boolean): void {
    this.bytesSent += to - from
    if (to === from) return
    if (this.#chunking) this.#client.out.chunk(buf, from, to, stable)
    else this.#client.out.bytes(buf, from, to, stable)
  }

  flush(): boolean {
    const { out } = this.#client
    out.flush()
    this.#progressAt = this.#plane.clock
    return !out.congested
  }

  unflushed(): boolean {
    return this.#client.out.socket.writableLength > 0
  }

  /** The client has taken what it was sent. */
  clientDrained(): void {
    this.#progressAt = this.#plane.clock
    this.#conn?.resume()
  }

  end(): void {
    this.#conn = undefined
    if (this.#tunnel) {
      this.#finish()
      this.#client.done(true)
      return
    }
    if (this.#chunking) {
      this.#client.out.text('0\r\n\r\n')
      this.#client.out.flush()
    }
    const close = !this.keepAlive || !this.requestDone
    this.#finish()
    this.#client.done(close)
  }

  failed(failure: Failure): void {
    const backend = this.backend!
    // An idle connection that the backend was just closing: the request is not to blame, nor is the backend.
    const crossed = failure === 'reset' && this.#conn?.reused === true
    this.#conn = undefined
    const index = this.backendIndex
    if (failure !== 'reset') this.#plane.onFailure(this.route, this.host, index, backend, failure)
    if (this.status !== 0) {
      this.#finish(true)
      this.#client.cut()
      return
    }
    const untouched = failure === 'refused' || failure === 'unreachable' || failure === 'connectTimeout'
    const allowed =
      this.#replay !== undefined &&
      (crossed
        ? this.#repeatable
        : this.#attempts <= this.#plane.retries &&
          (untouched || (failure === 'reset' && this.#repeatable && this.#plane.mayRepeat())))
    if (allowed) {
      this.#leaveBackend()
      // A connection that had been idle says nothing about the backend: ask it again, on a new one.
      if (!untouched) this.#tried.length = 0
      this.#attempt(!untouched)
      return
    }
    if (failure === 'timeout' || failure === 'connectTimeout')
      this.#answer(504, 'the app did not answer in time')
    else if (untouched && this.#plane.retries === 0) this.#answer(502, 'Retry on error is disabled')
    else if (untouched) this.#answer(502, 'Reached max retries limit')
    else this.#answer(502, 'the app closed the connection without a valid answer')
  }

  // The end

  /** A bad body: the backend must not see a complete request. */
  #refuseBody(status: number, reason: string): void {
    this.#conn?.destroy()
    this.#conn = undefined
    this.requestDone = false
    if (this.status !== 0) {
      this.#finish(true)
      this.#client.cut()
    } else this.#answer(status, reason)
  }

  #answer(status: number, reason: string): void {
    this.status = status
    this.#leaveBackend(true)
    this.#over = true
    this.#client.answer(status, reason, this)
  }

  #leaveBackend(keep = false): void {
    const { backend } = this
    if (backend === undefined) return
    if (this.#queued) backend.leaveQueue(this)
    else if (!this.#tunnel) backend.leave()
    this.#queued = false
    backend.inFlight -= 1
    if (backend.routes === 0) this.#plane.onRetiredProgress(backend)
    if (!keep) this.backend = undefined
  }

  #finish(aborted = false): void {
    if (this.#over) return
    this.#over = true
    this.#leaveBackend(true)
    this.report(aborted)
  }

  /** Tells the access log and the counters. */
  report(aborted: boolean): void {
    const now = performance.now()
    this.#plane.onFinished({
      address: this.#client.address,
      method: this.method,
      target: this.target,
      minor: this.minor,
      host: this.host,
      route: this.route,
      backend: this.backend,
      status: this.status,
      bytes: this.bytesSent,
      referer: this.referer,
      userAgent: this.userAgent,
      totalMs: now - this.startedAt,
      backendMs: this.backendStartedAt === 0 ? undefined : now - this.backendStartedAt,
      aborted,
    })
  }

  /** The client is gone: so is its request. */
  abandon(): void {
    this.#conn?.destroy()
    this.#conn = undefined
    this.#finish(true)
  }

  /** Tunnel only: bytes from the client. */
  tunnel(buf: Buffer, from: number, end: number, stable: boolean): void {
    const conn = this.#conn
    if (conn === undefined) return
    conn.out.bytes(buf, from, end, stable)
    conn.out.flush()
    if (conn.out.congested) this.#pauseClient()
  }

  /** Tunnel only: the client has said all it has to say. */
  tunnelEnd(): void {
    this.#conn?.endTunnel()
  }

  sweep(now: number): void {
    if (this.#over || this.#tunnel) return
    const { timeouts } = this.#plane
    const waited = now - this.#progressAt
    if (timeouts.total > 0 && now - this.startedAt > timeouts.total) this.#timeOut()
    else if (this.#queued) {
      if (now - this.backendStartedAt > timeouts.queue)
        this.#answer(503, 'the app has too many requests at once')
    } else if (this.#conn?.connected === false) {
      if (now - this.backendStartedAt > timeouts.connect) this.#conn.fail('connectTimeout')
    } else if (this.status === 0 && this.requestDone) {
      if (timeouts.firstByte > 0 && waited > timeouts.firstByte) this.#timeOut()
      else if (!this.#slowTold && waited > slowMs) {
        this.#slowTold = true
        this.#plane.onSlow(this.route, this.host, this.backendIndex, this.backend!)
      }
    } else if (timeouts.idle > 0 && waited > timeouts.idle) this.#stalled()
  }

  #timeOut(): void {
    if (this.#conn === undefined) this.#answer(504, 'the app did not answer in time')
    else this.#conn.fail('timeout')
  }

  /** In the middle of a body nothing moves: the client's fault, or the backend's. */
  #stalled(): void {
    if (this.status === 0 && !this.#paused) this.#refuseBody(408, 'the request did not arrive in time')
    else this.#timeOut()
  }

  /** Hipache's x-debug fields. */
  debugFields(): string {
    const now = performance.now()
    let text = 'x-debug-version-hipache: paas\r\n'
    if (this.backendIndex >= 0) {
      const url = this.route.urls[this.backendIndex] ?? ''
      text +=
        `x-debug-backend-url: ${printable(url.endsWith('/') ? url : `${url}/`)}\r\n` +
        `x-debug-backend-id: ${this.backendIndex}\r\n` +
        `x-debug-vhost: ${printable(this.route.identifier)}\r\n` +
        `x-debug-frontend-key: ${this.host}\r\n` +
        `x-debug-time-total: ${Math.round(now - this.startedAt)}\r\n` +
        `x-debug-time-backend: ${Math.round(now - this.backendStartedAt)}\r\n`
    }
    return text
  }
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}

function stickyOf(cookie: string): string {
  for (const part of cookie.split(';')) {
    const pair = part.trim()
    if (pair.startsWith(`${stickyCookie}=`)) return pair.slice(stickyCookie.length + 1)
  }
  return ''
}

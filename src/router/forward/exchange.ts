import { type Framing } from '../http/framing.ts'
import { type RequestHead } from '../http/request-head.ts'
import { type ResponseHead } from '../http/response-head.ts'
import { type TableRoute } from '../table/route-table.ts'
import { type Backend } from './backend.ts'
import { type BackendConnection, type Failure, type Responder } from './backend-connection.ts'
import { chooseFor, cookieFor, maxInFlightOf, mostMoves } from './choose-for.ts'
import { type ExchangeClient } from './exchange-client.ts'
import { dueOf, type Standing, waitsForClient } from './patience.ts'
import { giveTurn, leaveBackend, type Placed, resumeTurn } from './place.ts'
import { type Finished, never, type Plane } from './plane.ts'
import { bodyOf, type RequestBody } from './request-body.ts'
import { type Asked, askedOf, debugFields, debugVersion } from './report.ts'
import { endsByClosing, interimText, isChunking, responseText, tunnelText } from './response-text.ts'
import { noBackend } from './choose.ts'
import { afterFailure, isIdempotent, isOfBefore, late, tooMany, withoutBackend } from './retry.ts'
import { setStickyCookie, stickyOf } from './sticky.ts'

const none: readonly number[] = []

/** One request and its response: chooses the backend, carries bytes both ways, repeats what can be repeated. */
export class Exchange implements Responder, Finished, Standing, Placed {
  readonly asked: Asked
  readonly address: string
  /** Of the present attempt, which `backendIndex` and `tried` are about. */
  route: TableRoute
  readonly isHead: boolean
  readonly upgrade: string
  readonly bindsConnection: boolean
  readonly startedAt = never
  backendStartedAt = never
  finishedAt = never
  backend: Backend | undefined
  backendIndex = -1
  /** Status sent to the client; 0 before. */
  status = 0
  bytesSent = 0
  /** Whether the client connection may go on after the response. */
  keepAlive: boolean
  readonly debug: boolean
  readonly #plane: Plane
  readonly #client: ExchangeClient
  #head: string
  readonly repeatable: boolean
  readonly wantsContinue: boolean
  awaitsContinue: boolean
  /** The values of the visitor's sticky cookie (sticky.ts), or ''. */
  readonly sticky: string
  /** Indexes of the backends that failed it. */
  tried: readonly number[] = none
  readonly #body: RequestBody
  /** Bytes of it that are kept once a backend may have them. */
  readonly #mostKept: number
  #conn: BackendConnection | undefined
  queuedSince = never
  hasTurn = false
  attempts = 0
  /** What has come of the request waits to be passed on, and no more of it should be read. */
  congested = false
  #tunnel = false
  #chunking = false
  #over = false
  #suspected = false
  #lastFailure: Failure | undefined
  /** The visitor's own backend had no place for it. */
  crowded = false
  /** More of the body is about to be fed in the same event, and goes out in one write with the head. */
  #feeding = false
  /** When a byte last moved. */
  progressAt = never
  #stickyToSet = ''
  #fresh = false

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
    plane.turn.enter()
    this.#client = client
    this.address = client.address
    this.route = route
    this.asked = askedOf(head)
    this.isHead = head.method === 'HEAD'
    this.upgrade = head.upgrade
    this.bindsConnection = head.bindsConnection
    this.debug = debug
    this.startedAt = this.progressAt = now
    this.#head = text
    this.keepAlive = head.keepAlive
    this.#body = bodyOf(head)
    this.wantsContinue = this.awaitsContinue = head.expectsContinue && !this.requestDone
    this.repeatable = head.upgrade === '' && isIdempotent(head.method)
    this.#mostKept = this.repeatable ? plane.replayBytes : 0
    this.sticky = head.cookie === '' ? '' : stickyOf(head.cookie)
  }

  get requestDone(): boolean {
    return this.#body.done
  }

  /** Chooses a backend and sends what there is of the request; `more`: bytes behind the head are fed next. */
  start(more: boolean): void {
    this.#feeding = more && !this.requestDone
    this.#attempt(false)
    this.#feeding = false
  }

  /** Reads the body; returns the offset that it read to. A body that must not be passed on is answered. */
  feed(buf: Buffer, from: number, end: number, stable: boolean): number {
    const conn = this.#conn
    // Until there is a connection, it is kept here and only here.
    const out = conn?.connected === true ? conn.out : undefined
    const body = this.#body
    this.progressAt = this.#plane.clock
    this.awaitsContinue = false
    const pos = body.read(buf, from, end, stable, out)
    if (body.problem !== '') {
      this.#refuseBody(body.problemStatus, body.problem)
      return end
    }
    if (conn !== undefined) {
      conn.requestDone = body.done
      if (body.done) resumeTurn(this)
    }
    if (out !== undefined) {
      if (body.done) this.#plane.turn.flush(out)
      else out.flush()
      if (out.wrote) body.forgetOver(this.#mostKept)
    }
    if (!body.done && (out?.congested ?? body.isOver(this.#plane.replayBytes - 1))) this.congested = true
    return pos
  }

  /** `fresh`: on a connection that nobody has used. */
  #attempt(fresh: boolean): void {
    const plane = this.#plane
    const first = this.backendStartedAt === never
    const now = first ? this.startedAt : plane.turn.now()
    // The table may have changed since the last attempt, and indexes with it.
    const route = first ? this.route : plane.table.lookup(this.asked.host)
    if (route === undefined)
      return this.#answer(withoutBackend(this.route, noBackend.none, this.#lastFailure))
    if (route !== this.route) {
      this.route = route
      this.tried = none
      this.backendIndex = -1
    }
    this.#fresh = fresh
    const options = plane.optionsFor(route)
    const index = chooseFor(plane, route, options, this, now)
    const backend = plane.table.backendsOf(route)[index]
    if (backend === undefined) return this.#answer(withoutBackend(route, index, this.#lastFailure))
    this.#stickyToSet = options?.sticky === true ? cookieFor(plane, route, index, this) : ''
    this.attempts += 1
    this.backend = backend
    this.backendIndex = index
    this.backendStartedAt = now
    backend.inFlight += 1
    const entered = backend.enter(this, options?.maxInFlight)
    if (entered === true) this.#open()
    else if (entered === undefined) this.#full(index)
    else if (this.queuedSince === never) this.queuedSince = now
  }

  /** There is no place to wait, here. */
  #full(index: number): void {
    const last = this.tried.includes(index) || this.tried.length >= mostMoves
    this.tried = [...this.tried, index]
    this.crowded ||= this.sticky !== '' && this.#stickyToSet === ''
    if (!last) return this.moveOn()
    this.#leaveBackend()
    this.#answer(tooMany)
  }

  moveOn(): void {
    this.#leaveBackend()
    this.attempts -= 1
    this.#attempt(this.#fresh)
  }

  get maxInFlight(): number | undefined {
    return maxInFlightOf(this.#plane, this.asked.host)
  }

  proceed(): void {
    this.backendStartedAt = this.#plane.turn.now()
    this.#open()
  }

  #open(): void {
    this.queuedSince = never
    this.hasTurn = true
    const backend = this.backend!
    const again = this.repeatable && this.#body.isKept(this.#plane.replayBytes)
    const conn = this.#fresh ? backend.newConnection() : backend.connection(again, this.backendStartedAt)
    this.#conn = conn
    conn.assign(this)
    conn.requestDone = this.requestDone
    if (conn.connected) this.connected()
  }

  drained(): void {
    this.progressAt = this.#plane.clock
    if (!this.congested) return
    this.congested = false
    this.#client.readOn()
  }

  /** From here on bytes may have reached the backend. */
  connected(): void {
    const { out } = this.#conn!
    const body = this.#body
    this.progressAt = this.#plane.clock
    out.text(this.#head)
    body.writeTo(out)
    if (!this.#feeding) this.#plane.turn.flush(out)
    if (out.wrote) body.forgetOver(this.#mostKept)
    if (!out.congested) this.drained()
  }

  interim(head: ResponseHead): void {
    this.progressAt = this.#plane.clock
    if (this.asked.minor === 0 || (head.status === 100 && !this.wantsContinue)) return
    if (head.status === 100) this.awaitsContinue = false
    this.#say(interimText(head))
  }

  head(head: ResponseHead, body: Framing, whole: boolean): void {
    const { host, minor } = this.asked
    this.#body.forget()
    this.status = head.status
    this.progressAt = this.#plane.clock
    const since = this.#conn!.reused ? never : this.backendStartedAt
    this.#plane.onResponse(host, this.backendIndex, this.backend!, since, head)
    if (head.status === 101) return this.#startTunnel(head)
    this.#chunking = isChunking(body, minor)
    // Who answers before the whole request is there has no use for the rest.
    this.keepAlive &&= this.requestDone && !this.#plane.draining && !endsByClosing(body, minor)
    this.#say(responseText(head, body, whole, minor, this.keepAlive, this.#moreFields()))
  }

  #say(text: string): void {
    this.bytesSent += text.length
    this.#client.out.text(text)
  }

  #moreFields(): string {
    return setStickyCookie(this.#stickyToSet) + (this.debug ? debugVersion + debugFields(this) : '')
  }

  #startTunnel(head: ResponseHead): void {
    this.#tunnel = true
    this.#say(tunnelText(head, this.#moreFields()))
    this.#client.out.flush()
    // A tunnel may live for days.
    giveTurn(this)
    this.#plane.turn.leave()
    this.#conn!.keepSocketAlive()
    this.#client.becomeTunnel()
  }

  data(buf: Buffer, from: number, to: number, stable: boolean): void {
    if (to === from) return
    this.bytesSent += to - from
    if (this.#chunking) this.bytesSent += this.#client.out.chunk(buf, from, to, stable)
    else this.#client.out.bytes(buf, from, to, stable)
  }

  flush(): boolean {
    const { out } = this.#client
    out.flush()
    this.progressAt = this.#plane.clock
    return !out.congested
  }

  unflushed(): boolean {
    return this.#client.out.unflushed
  }

  clientDrained(): void {
    this.progressAt = this.#plane.clock
    this.#conn?.resume()
  }

  end(): void {
    this.#conn = undefined
    if (this.#chunking) this.#say('0\r\n\r\n')
    this.#plane.turn.flush(this.#client.out)
    this.#finish()
    this.#client.done(this.#tunnel || !this.keepAlive || !this.requestDone, !this.requestDone)
  }

  failed(failure: Failure): void {
    const reused = this.#conn?.reused === true
    this.#conn = undefined
    if (isOfBefore(failure, reused)) this.backend!.closedUnasked()
    else this.#plane.onFailure(this.route, this.asked.host, this.backendIndex, this.backend!, failure)
    if (this.status !== 0) {
      this.#finish()
      this.#client.cut()
      return
    }
    const next = afterFailure({ failure, reused, whole: this.#body.whole }, this, this.#plane)
    if (typeof next === 'object') return this.#answer(next)
    this.#leaveBackend()
    this.#lastFailure = failure
    if (next === 'elsewhere') this.tried = [...this.tried, this.backendIndex]
    this.#attempt(next === 'anew')
  }

  /** A bad body: the backend must not see a complete request. */
  #refuseBody(status: number, reason: string): void {
    this.#conn?.destroy()
    this.#conn = undefined
    if (this.status !== 0) {
      this.#finish()
      this.#client.cut()
    } else this.#answer({ status, reason })
  }

  #answer({ status, reason }: { status: number; reason: string }): void {
    this.status = status
    this.#leaveBackend(true)
    this.#plane.turn.leave()
    this.#over = true
    this.#client.answer(status, reason, this)
  }

  #leaveBackend(keep = false): void {
    if (this.backend === undefined) return
    leaveBackend(this, this.backend, this.#plane)
    if (!keep) this.backend = undefined
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    if (!this.#tunnel) this.#plane.turn.leave()
    this.#leaveBackend(true)
    this.report()
  }

  /** Tells the access log and the counters, which have no use for what was to be sent. */
  report(): void {
    this.#head = ''
    this.#body.forget()
    this.finishedAt = this.#plane.turn.now()
    this.#plane.onFinished(this)
  }

  /** The client is gone: so is its request. */
  abandon(): void {
    this.#conn?.destroy()
    this.#conn = undefined
    this.#finish()
  }

  /** Tunnel only: bytes from the client. */
  tunnel(buf: Buffer, from: number, end: number, stable: boolean): void {
    const conn = this.#conn
    if (conn === undefined) return
    conn.out.bytes(buf, from, end, stable)
    conn.out.flush()
    if (conn.out.congested) this.congested = true
  }

  /** Tunnel only: the client has said all it has to say. */
  tunnelEnd(): void {
    this.#conn?.endTunnel()
  }

  get connecting(): boolean {
    return this.#conn?.connected === false
  }

  sweep(now: number): void {
    const out = this.#conn?.out
    if (out?.unflushed === true && out.moved(this.#plane.sendQueues)) this.progressAt = now
    if (this.#over || this.#tunnel) return
    if (waitsForClient(this, this.#client.out.congested, now)) {
      giveTurn(this)
      if (!this.connecting) this.#body.forget()
    }
    const due = dueOf(this, this.#plane.timeouts, now)
    if (due === undefined) return
    if (due === 'suspect') {
      if (!this.#suspected) this.#plane.onSlow(this.asked.host, this.backendIndex, this.backend!)
      this.#suspected = true
    } else if (due === 'tooMany') this.#answer(tooMany)
    else if (due === 'clientLate') this.#refuseBody(408, 'the request did not arrive in time')
    else if (this.#conn === undefined) this.#answer(late)
    else this.#conn.fail(due)
  }
}

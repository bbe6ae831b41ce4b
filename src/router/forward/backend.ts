import { type LookupFunction } from 'node:net'
import { performance } from 'node:perf_hooks'
import { type ResponseHead } from '../http/response-head.ts'
import { type BackendAddress } from '../../model/backend-address.ts'
import { BackendConnection, type ConnectionPool } from './backend-connection.ts'
import { type Buffers } from './buffers.ts'
import { never } from './plane.ts'
import { type Turn } from './turn.ts'

export type PoolLimits = {
  /** Idle connections kept per backend. */
  maxIdle: number
  /** How long an idle connection is kept, in ms. */
  idleMs: number
  /** Requests at once per backend; more wait. */
  maxInFlight: number
  /** Requests that may wait per backend; more are refused. */
  maxQueue: number
}

/** What all backends of a worker use in turn, and how many idle connections they have, and may have, together. */
type Shared = {
  buffers: Buffers
  responseHead: ResponseHead
  turn: Turn
  lookup: LookupFunction
  idle: { count: number; readonly most: number }
}

/** A request that waits for its turn at a backend, and is to go on with it or to look for another one. */
export type Waiting = {
  readonly asked: { readonly host: string }
  /** How many requests at once its host now allows; undefined: as many as others. */
  readonly maxInFlight: number | undefined
  /** Its place in the queue has become a turn. */
  proceed(): void
  /** What it waits for is out. */
  moveOn(): void
}

/**
 * A request that may not be repeated takes only a connection that was busy this recently: the older it is, the
 * likelier the backend is just closing it.
 */
const freshMs = 1000
/**
 * For this long a backend that closed such a connection without having said so is asked on a new one each time: it
 * closes after every response, and which comes first, that or the next request, is chance.
 */
const closesMs = 60_000

/** Why a backend is out for all hosts: what it does to connections. */
export type Unreachable = 'refused' | 'connect'
/** Why it is out for one host: what it does to requests, which may be on behalf of that one alone. */
export type Unresponsive = 'hang' | 'close'
export type Ejection = Unreachable | Unresponsive

/** One backend as this worker knows it: its connections, its load, and whether it is out. */
export class Backend implements ConnectionPool {
  readonly url: string
  readonly address: BackendAddress
  /** Requests that were given to it and are not finished, those that wait and upgraded connections included. */
  inFlight = 0
  /** Those of inFlight that have their turn; upgraded connections do not count. */
  active = 0
  /** Routes of this worker that have it. At 0 it is retired: idle connections close, nothing new is sent. */
  routes = 0
  /** Why it gets no requests until it can be connected to; undefined: it is in. */
  unreachable: Unreachable | undefined
  /** Why it gets no requests of these hosts until it has answered one, and whether one may find out if it would. */
  #unresponsive: Map<string, { why: Unresponsive; mayTry: boolean }> | undefined
  /** When it last closed a connection right after a response, without notice. */
  #closedAt = never
  readonly #idle: BackendConnection[] = []
  #queue: Waiting[] = []
  readonly #limits: PoolLimits
  readonly #shared: Shared

  constructor(url: string, address: BackendAddress, limits: PoolLimits, shared: Shared) {
    this.url = url
    this.address = address
    this.#limits = limits
    this.#shared = shared
  }

  /** Why it gets no requests of a host; undefined: it does. */
  ejectedFor(host: string): Ejection | undefined {
    return this.unreachable ?? this.#unresponsive?.get(host)?.why
  }

  /** Why it gets no requests of some host at least. */
  get ejected(): Ejection | undefined {
    return this.unreachable ?? this.#unresponsive?.values().next().value?.why
  }

  /** Those that it is out for, but for all of them. */
  get unresponsiveHosts(): string[] {
    return [...(this.#unresponsive?.keys() ?? [])]
  }

  /** Takes it out for a host. */
  unresponsiveTo(host: string, why: Unresponsive): void {
    this.#unresponsive ??= new Map()
    this.#unresponsive.set(host, { why, mayTry: false })
  }

  /** Where nobody else is left, the next request of a host that it is out for may find out what a probe cannot. */
  letOneTry(host: string): void {
    this.#setMayTry(host, true)
  }

  mayTry(host: string): boolean {
    return this.#unresponsive?.get(host)?.mayTry === true
  }

  #setMayTry(host: string, mayTry: boolean): void {
    const at = this.#unresponsive?.get(host)
    if (at !== undefined) at.mayTry = mayTry
  }

  /** It has answered a host; returns whether it was out for that one. */
  responsiveTo(host: string): boolean {
    const hosts = this.#unresponsive
    if (hosts?.delete(host) !== true) return false
    if (hosts.size === 0) this.#unresponsive = undefined
    return true
  }

  /** Whether a request would have to wait; `maxInFlight`: as its host has it. */
  isFull(maxInFlight = this.#limits.maxInFlight): boolean {
    return this.active >= maxInFlight
  }

  get queued(): number {
    return this.#queue.length
  }

  get idleConnections(): number {
    return this.#idle.length
  }

  /** Takes a turn (true), or a place in the queue (false), or is refused (undefined). */
  enter(waiting: Waiting, maxInFlight?: number): boolean | undefined {
    const isFull = this.isFull(maxInFlight)
    if (isFull && this.#queue.length >= this.#limits.maxQueue) return undefined
    if (this.#unresponsive !== undefined) this.#setMayTry(waiting.asked.host, false)
    if (!isFull) {
      this.active += 1
      return true
    }
    this.#queue.push(waiting)
    return false
  }

  /** Gives up a place in the queue. */
  leaveQueue(waiting: Waiting): void {
    const index = this.#queue.indexOf(waiting)
    if (index !== -1) this.#queue.splice(index, 1)
  }

  /** Nobody should go on waiting for it whose host it is out for. */
  dissolveQueue(isOut: (host: string) => boolean): void {
    const { stay = [], go = [] } = Object.groupBy(this.#queue, ({ asked }) =>
      isOut(asked.host) ? 'go' : 'stay',
    )
    this.#queue = stay
    for (const waiting of go) waiting.moveOn()
  }

  /** Takes a turn that was given up in the middle of a request, and which nobody can refuse. */
  enterAgain(): void {
    this.active += 1
  }

  /** Gives up a turn, for the next in the queue. */
  leave(): void {
    this.active -= 1
    while (this.#queue.length > 0) {
      // Hosts may have limits of their own.
      const next = this.#queue.findIndex(({ maxInFlight }) => !this.isFull(maxInFlight))
      if (next === -1) return
      this.active += 1
      this.#queue.splice(next, 1)[0]!.proceed()
    }
  }

  /** An idle connection, the one used last first, or a new one. */
  connection(repeatable: boolean, now: number): BackendConnection {
    for (;;) {
      const idle = this.#idle.at(-1)
      if (idle === undefined) return this.newConnection()
      if (idle.gone) {
        this.gone(idle)
        continue
      }
      const fresh = now - idle.idleSince < freshMs && now - this.#closedAt > closesMs
      // Others can still use it. But there is no use for more than are busy.
      if (!repeatable && !fresh) {
        if (this.#idle.length > this.active) {
          this.#shared.idle.count -= 1
          this.#idle.shift()!.destroy()
        }
        return this.newConnection()
      }
      this.#shared.idle.count -= 1
      this.#idle.pop()
      if (now < idle.idleUntil) return idle
      idle.destroy()
    }
  }

  /** A connection that nobody has used. */
  newConnection(): BackendConnection {
    const { buffers, responseHead, lookup } = this.#shared
    return new BackendConnection(this.address, this, buffers, responseHead, lookup)
  }

  keep(connection: BackendConnection): boolean {
    const { idle, turn } = this.#shared
    if (this.routes === 0 || this.#idle.length >= this.#limits.maxIdle || idle.count >= idle.most)
      return false
    connection.idleSince = turn.now()
    idle.count += 1
    this.#idle.push(connection)
    return true
  }

  gone(connection: BackendConnection): void {
    const index = this.#idle.lastIndexOf(connection)
    if (index === -1) return
    this.#shared.idle.count -= 1
    this.#idle.splice(index, 1)
    if (performance.now() - connection.idleSince < freshMs) this.closedUnasked()
  }

  /** It closed a connection after a response, without having said that it would. */
  closedUnasked(): void {
    this.#closedAt = performance.now()
  }

  /**
   * Closes connections that have been idle too long, which is not long where there are few files left for those of
   * others; all of them once the backend is retired.
   */
  sweep(now: number): void {
    const { count, most } = this.#shared.idle
    const idleMs = count > 0.75 * most ? freshMs : this.#limits.idleMs
    const kept = this.#idle.filter(
      (idle) => this.routes > 0 && now - idle.idleSince < idleMs && now < idle.idleUntil,
    )
    if (kept.length === this.#idle.length) return
    const gone = this.#idle.filter((idle) => !kept.includes(idle))
    this.#shared.idle.count -= gone.length
    this.#idle.length = 0
    this.#idle.push(...kept)
    for (const idle of gone) idle.destroy()
  }
}

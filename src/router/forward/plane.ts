import { type RequestHead } from '../http/request-head.ts'
import { type ResponseHead } from '../http/response-head.ts'
import { type RouteTable, type TableRoute } from '../table/route-table.ts'
import { type Backend } from './backend.ts'
import { type Failure } from './backend-connection.ts'
import { type Buffers } from './buffers.ts'
import { type Member, type Members } from './members.ts'
import { type Asked } from './report.ts'
import { type SendQueues } from './send-queues.ts'
import { type Turn } from './turn.ts'

/**
 * The time (performance.now()) of what has not happened. Not 0: V8 keeps a field that begins with a whole number, or
 * with undefined, in another way than a time, and compiles all that uses such objects anew once a time gets there.
 */
export const never = -Infinity

/** Milliseconds between two looks at all connections. */
export const sweepMs = 500

/** Milliseconds; 0 of keepAlive, firstByte, idle and total: no limit. */
export type Timeouts = {
  /** A client's head, from its first byte. */
  head: number
  /** An idle client connection, before its first request or between two. */
  keepAlive: number
  connect: number
  /** A request's wait for its turn at a backend at its cap. */
  queue: number
  /** From the whole request sent to the response's head. */
  firstByte: number
  /** Without a byte in the middle of a body, either way. */
  idle: number
  /** The whole exchange. */
  total: number
  /** How long a finished connection is read on, so that its last response is not lost with a reset. */
  linger: number
}

/**
 * What became of one request, for the access log and the counters. The exchange itself, so that telling costs nothing:
 * whoever keeps it for longer keeps all of that.
 */
export type Finished = {
  readonly address: string
  readonly asked: Asked
  readonly route: TableRoute | undefined
  readonly backend: Backend | undefined
  /** 0: no response could be sent. */
  readonly status: number
  /** Bytes of the response, its head included. */
  readonly bytesSent: number
  /** performance.now() at its head. */
  readonly startedAt: number
  /** At the last attempt's start; `never` when no backend was asked. */
  readonly backendStartedAt: number
  /** At the response's end. */
  readonly finishedAt: number
}

/** Pages that the router answers with itself. */
export type Page = { status: number; contentType: string; body: Buffer }

/** Everything that the connections of one worker share. */
export type Plane = {
  readonly table: RouteTable
  readonly timeouts: Timeouts
  readonly buffers: Buffers
  readonly turn: Turn
  readonly sendQueues: SendQueues
  readonly requestHead: RequestHead
  /** Retries per request, after the first attempt. */
  readonly retries: number
  /** Request bytes kept for a retry. */
  readonly replayBytes: number
  readonly trusts: (address: string) => boolean
  /** Addresses whose `x-debug` is answered. */
  readonly debugs: (address: string) => boolean
  /** Status for a host that nobody has: 404, 400 as in Hipache. */
  readonly unknownHostStatus: number
  /** Whether a host without a route has none for certain. */
  readonly routesKnown: () => boolean
  readonly page: (status: number, reason: string, route: TableRoute | undefined) => Page
  /** 32 hexadecimal digits that no client can guess. */
  readonly requestId: () => string
  /** The value of the sticky cookie that stands for a backend of a host. */
  readonly stickyToken: (host: string, url: string) => string
  /** Whether a host has a health check of its own. */
  readonly checked: (host: string) => boolean
  readonly optionsFor: (route: TableRoute) => TableRoute['options']
  /** performance.now() of the last sweep: near enough for timeouts, and free. */
  clock: number
  /** True once this worker is to go: connections close after the response in progress. */
  draining: boolean
  readonly clients: Members<Client>
  /** Allows an idempotent request to be repeated after its bytes reached a backend; spends a common budget. */
  readonly mayRepeat: () => boolean
  readonly onFailure: (
    route: TableRoute,
    host: string,
    index: number,
    backend: Backend,
    failure: Failure,
  ) => void
  readonly onResponse: (
    host: string,
    index: number,
    backend: Backend,
    /** When it was connected to for this; `never`: before, and it may take no connections by now. */
    since: number,
    response: Pick<ResponseHead, 'status' | 'retryAfter'>,
  ) => void
  /** A backend has kept a request waiting without a byte for a while. */
  readonly onSlow: (host: string, index: number, backend: Backend) => void
  readonly onFinished: (finished: Finished) => void
  /** A request left a backend that is retired. */
  readonly onRetiredProgress: (backend: Backend) => void
}

/** A client connection, to those who watch over all of them. */
export type Client = Member & {
  /** Of the request in progress. */
  readonly route: TableRoute | undefined
  sweep(now: number): void
  /** Closes when idle, otherwise after the response in progress. */
  drain(): void
  destroy(): void
}

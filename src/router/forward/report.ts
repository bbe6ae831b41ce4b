import { performance } from 'node:perf_hooks'
import { type TableRoute } from '../table/route-table.ts'
import { type Backend } from './backend.ts'
import { type Finished, never } from './plane.ts'

/** What of a request's head is told of it afterwards. */
export type Asked = {
  readonly method: string
  readonly target: string
  readonly minor: number
  readonly host: string
  readonly referer: string
  readonly userAgent: string
}

export function askedOf({ method, target, minor, host, referer, userAgent }: Asked): Asked {
  return { method, target, minor, host, referer, userAgent }
}

/** What can be told of a request, during it and after. */
export type Reported = {
  readonly asked: Asked
  readonly route: TableRoute
  readonly startedAt: number
  readonly backendStartedAt: number
  readonly backend: Backend | undefined
  readonly backendIndex: number
  readonly status: number
  readonly bytesSent: number
}

/** A finished request, for the access log and the counters. */
export function finishedOf(request: Reported, address: string, now: number): Finished {
  return {
    address,
    asked: request.asked,
    route: request.route,
    backend: request.backend,
    status: request.status,
    bytes: request.bytesSent,
    startedAt: request.startedAt,
    totalMs: now - request.startedAt,
    backendMs: request.backendStartedAt === never ? undefined : now - request.backendStartedAt,
  }
}

/** What stands in the log for a request that could not be read. */
export const nothingAsked: Asked = {
  method: '-',
  target: '-',
  minor: 1,
  host: '',
  referer: '',
  userAgent: '',
}

/** A finished request that no backend was asked. */
export function answeredOf(
  asked: Asked,
  answer: Pick<Finished, 'address' | 'route' | 'status' | 'bytes'>,
): Finished {
  return {
    ...answer,
    asked: askedOf(asked),
    backend: undefined,
    startedAt: performance.now(),
    totalMs: 0,
    backendMs: undefined,
  }
}

export const debugVersion = 'x-debug-version-hipache: paas\r\n'

/** Hipache's x-debug fields of the router's own answers, besides those of the backend, if one was chosen. */
export function errorFields(reason: string): string {
  return `${debugVersion}x-debug-error: ${reason}\r\n`
}

/** Hipache's x-debug fields about the backend. */
export function debugFields(request: Reported): string {
  if (request.backendIndex < 0) return ''
  const now = performance.now()
  const url = request.route.urls[request.backendIndex] ?? ''
  return (
    `x-debug-backend-url: ${printable(url.endsWith('/') ? url : `${url}/`)}\r\n` +
    `x-debug-backend-id: ${request.backendIndex}\r\n` +
    `x-debug-vhost: ${printable(request.route.identifier)}\r\n` +
    `x-debug-frontend-key: ${request.asked.host}\r\n` +
    `x-debug-time-total: ${Math.round(now - request.startedAt)}\r\n` +
    `x-debug-time-backend: ${Math.round(now - request.backendStartedAt)}\r\n`
  )
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}

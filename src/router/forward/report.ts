import { performance } from 'node:perf_hooks'
import { type RequestHead } from '../http/request-head.ts'
import { type TableRoute } from '../table/route-table.ts'
import { type Backend } from './backend.ts'
import { type Finished } from './plane.ts'

/** What of a request's head is told of it afterwards. */
export type Asked = {
  readonly method: string
  readonly target: string
  readonly minor: number
  readonly host: string
  readonly referer: string
  readonly userAgent: string
}

export function askedOf({ method, target, minor, host, referer, userAgent }: RequestHead): Asked {
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
export function finishedOf(request: Reported, address: string, aborted: boolean): Finished {
  const now = performance.now()
  const { asked } = request
  return {
    address,
    method: asked.method,
    target: asked.target,
    minor: asked.minor,
    host: asked.host,
    route: request.route,
    backend: request.backend,
    status: request.status,
    bytes: request.bytesSent,
    referer: asked.referer,
    userAgent: asked.userAgent,
    totalMs: now - request.startedAt,
    backendMs: request.backendStartedAt === 0 ? undefined : now - request.backendStartedAt,
    aborted,
  }
}

/** Hipache's x-debug fields. */
export function debugFields(request: Reported): string {
  const version = 'x-debug-version-hipache: paas\r\n'
  if (request.backendIndex < 0) return version
  const now = performance.now()
  const url = request.route.urls[request.backendIndex] ?? ''
  return (
    `${version}x-debug-backend-url: ${printable(url.endsWith('/') ? url : `${url}/`)}\r\n` +
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

import { performance } from 'node:perf_hooks'
import { type TableRoute } from '../table/route-table.ts'
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
  answer: Pick<Finished, 'address' | 'route' | 'status' | 'bytesSent'>,
): Finished {
  const now = performance.now()
  return {
    ...answer,
    asked: askedOf(asked),
    backend: undefined,
    startedAt: now,
    backendStartedAt: never,
    finishedAt: now,
  }
}

export const debugVersion = 'x-debug-version-hipache: paas\r\n'

/** Hipache's x-debug fields of the router's own answers, besides those of the backend, if one was chosen. */
export function errorFields(reason: string): string {
  return `${debugVersion}x-debug-error: ${reason}\r\n`
}

/** Hipache's x-debug fields about the backend. */
export function debugFields(
  request: Pick<Finished, 'asked' | 'startedAt' | 'backendStartedAt'> & {
    route: TableRoute
    backendIndex: number
  },
): string {
  if (request.backendIndex < 0) return ''
  const now = performance.now()
  const url = request.route.urls[request.backendIndex] ?? ''
  return (
    `x-debug-backend-url: ${printable(hrefOf(url))}\r\n` +
    `x-debug-backend-id: ${request.backendIndex}\r\n` +
    `x-debug-vhost: ${printable(request.route.identifier)}\r\n` +
    `x-debug-frontend-key: ${request.asked.host}\r\n` +
    `x-debug-time-total: ${Math.round(now - request.startedAt)}\r\n` +
    `x-debug-time-backend: ${Math.round(now - request.backendStartedAt)}\r\n`
  )
}

/** As Hipache's url.parse() has it: with a path, if only `/`. */
function hrefOf(url: string): string {
  return url.trim().replace(/^((?:[^/?#]*:\/\/)?[^/?#]*)(?=[?#]|$)/, '$1/')
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}

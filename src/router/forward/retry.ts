import { type Failure } from './backend-connection.ts'
import { hasOthers, type TableRoute } from '../table/route-table.ts'
import { noBackend } from './choose.ts'

/** Besides GET, which most requests are. */
const idempotent: ReadonlySet<string> = new Set([
  ...['HEAD', 'OPTIONS', 'PUT', 'DELETE'],
  ...['PROPFIND', 'REPORT', 'SEARCH'],
])

/** Whether a request may be repeated although a backend may have acted on it (RFC 9110, 9.2.2; RFC 4918, 3253, 5323). */
export function isIdempotent(method: string): boolean {
  return method === 'GET' || idempotent.has(method)
}

/** What the router answers a request with that no backend did. */
export type Refusal = { status: number; reason: string }

export const tooMany: Refusal = { status: 503, reason: 'the app has too many requests at once' }
export const exhausted: Refusal = { status: 503, reason: 'the router has no connection left' }
export const late: Refusal = { status: 504, reason: 'the app did not answer in time' }

/** An attempt that failed before any of the response was sent. */
export type Attempt = {
  failure: Failure
  /** The connection had been used before. */
  reused: boolean
  /** All of the request is still there to be sent again. */
  whole: boolean
}

/** The request that it was an attempt at. */
export type Attempted = {
  /** The method may be repeated even where the request was acted on. */
  readonly repeatable: boolean
  readonly attempts: number
  readonly route: Pick<TableRoute, 'urls'>
}

/**
 * Whether a failure says nothing about the backend: it was just closing a connection that had been idle, or what came on
 * it was the end of an earlier answer.
 */
export function isOfBefore(failure: Failure, reused: boolean): boolean {
  return failure === 'unsent' || (reused && (failure === 'reset' || failure === 'malformed'))
}

/**
 * Whether to ask another backend (`elsewhere`), the same again on a new connection (`anew`), or what to answer.
 * Nothing that a backend may have acted on is repeated unless the method allows it and the budget does.
 */
export function afterFailure(
  { failure, reused, whole }: Attempt,
  { repeatable, attempts, route }: Attempted,
  policy: { readonly retries: number; readonly mayRepeat: () => boolean },
): 'elsewhere' | 'anew' | Refusal {
  const untouched =
    failure === 'exhausted' ||
    failure === 'refused' ||
    failure === 'unreachable' ||
    failure === 'connectTimeout'
  if (whole && failure === 'unsent') return 'anew'
  if (whole && untouched && attempts <= policy.retries) return 'elsewhere'
  if (whole && repeatable) {
    if (isOfBefore(failure, reused)) return 'anew'
    // The same backend would answer the same with what is no answer.
    const mayHelp = failure === 'reset' || (failure === 'malformed' && hasOthers(route.urls))
    if (mayHelp && attempts <= policy.retries && policy.mayRepeat()) return 'elsewhere'
  }
  if (failure === 'timeout' || failure === 'slow' || failure === 'connectTimeout') return late
  if (failure === 'exhausted') return exhausted
  if (!untouched && attempts <= policy.retries)
    return { status: 502, reason: 'the app closed the connection without a valid answer' }
  // Hipache's words.
  const reason = policy.retries === 0 ? 'Retry on error is disabled' : 'Reached max retries limit'
  return { status: 502, reason }
}

/** What to answer when a route has no backend to ask; `why` as choose.ts says it, `failure` that of the last attempt. */
export function withoutBackend(route: TableRoute, why: number, failure: Failure | undefined): Refusal {
  if (!route.readable) return { status: 503, reason: 'the route cannot be read' }
  // Hipache's words, also where the last attempts have taken out all that there were.
  if (failure === 'connectTimeout') return late
  if (failure !== undefined) return { status: 502, reason: 'Cannot find a valid backend' }
  if (why === noBackend.invalid) return { status: 502, reason: 'backend is invalid' }
  if (why === noBackend.ejected) return { status: 503, reason: 'the app does not answer' }
  return { status: 502, reason: 'Cannot find a valid backend' }
}

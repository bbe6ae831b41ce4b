import { type LookupFunction } from 'node:net'
import { z } from 'zod'
import { type BackendAddress, backendAddress } from '../../model/backend-address.ts'
import { type RouteTable } from '../table/route-table.ts'
import { type DeadMarks, maxTimerMs } from './own-marks.ts'
import { probe } from './probe.ts'

/**
 * HASH `healthcheck:<host>`: planb's path, body and status; ours: interval and timeout in seconds, and how many
 * probes in a row decide.
 */
const Fields = z.object({
  // planb takes it with and without slashes in front.
  path: z
    .string()
    .regex(/^[!-~]*$/)
    .transform((path) => path.replace(/^\/*/, '/'))
    .default('/'),
  // planb's own writers give all three, and mean nothing by 0.
  status: z
    .union([z.literal('0').transform(() => undefined), z.coerce.number().int().min(100).max(599)])
    .optional(),
  body: z.string().optional(),
  interval: z.coerce.number().min(0.1).max(3600).default(5),
  timeout: z.coerce.number().min(0.1).max(300).default(3),
  /** Failures that take a backend out. */
  fall: z.coerce.number().int().min(1).max(100).default(2),
  /** Successes that bring it back. */
  rise: z.coerce.number().int().min(1).max(100).default(1),
})
/** What is empty or not understood counts as not given: a check with a mistake in it is better than none. */
export const HealthCheck = z
  .record(z.string(), z.string())
  .transform((fields): z.input<typeof Fields> => {
    const odd = oddFields(fields)
    return Object.fromEntries(Object.entries(withoutEmpty(fields)).filter(([name]) => !odd.has(name)))
  })
  .pipe(Fields)
export type HealthCheck = z.infer<typeof HealthCheck>

function withoutEmpty(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== ''))
}

function oddFields(fields: Record<string, string>): Set<string> {
  const issues = Fields.safeParse(withoutEmpty(fields)).error?.issues ?? []
  const unknown = Object.keys(fields).filter((name) => !(name in Fields.shape))
  return new Set([...issues.map(({ path }) => String(path[0])), ...unknown])
}

/** For so long at most somebody is out for what was found out about another. */
const movedMs = 500
/** A check that is away for no longer is being written anew: deleted, and set again. */
const rewrittenMs = 1000

/** A backend of a host, and how its probes went: failures or successes in a row, and whether it was taken out. */
type Place = { host: string; url: string; index: number; good: number; bad: number; out: boolean }

/**
 * Probes every backend of the hosts that ask for it. A verdict goes to Hipache's dead set, so that all workers and
 * all other routers of the same Redis follow it; as the set expires, it is given again until it changes.
 */
export function createHealthChecks(
  table: RouteTable,
  marks: DeadMarks,
  policy: { deadTtlSeconds: number; lookup: LookupFunction },
  { report, warn }: Record<'report' | 'warn', (message: string) => void>,
) {
  let closed = false
  const running = new Map<string, { fields: string; controller: AbortController; places: Place[] }>()
  const againMs = Math.min(Math.max(500, policy.deadTtlSeconds * 500), maxTimerMs)

  /** However rare probes are, and however long they take. */
  const renewing = setInterval(renew, againMs)
  function renew(): void {
    for (const { places } of running.values()) for (const place of places) if (place.out) void mark(place)
  }

  const moving = setInterval(() => {
    for (const { places } of running.values()) leave(places)
  }, movedMs)

  /** What another backend has the place of now was not found out about that one. */
  function leave(places: readonly Place[]): void {
    for (const place of places) {
      const { host, url, index, out } = place
      if (!out || table.lookup(host)?.urls[index] === url) continue
      place.out = false
      void marks.unmarkDead(host, index).catch(() => undefined)
    }
  }

  /** A mark that stands may be the verdict of a worker before this one. */
  function takenOver(host: string, url: string, index: number): Place {
    const place = {
      host,
      url,
      index,
      good: 0,
      bad: 0,
      out: backendAddress(url) !== undefined && isMarked(host, index),
    }
    if (place.out) void mark(place)
    return place
  }

  async function watch(watched: { places: Place[] }, host: string, check: HealthCheck, signal: AbortSignal) {
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const before = watched.places
      leave(before)
      const urls = table.lookup(host)?.urls ?? []
      watched.places = urls.map(
        (url, index) =>
          before.find((place) => place.index === index && place.url === url) ??
          (isFirst ? takenOver(host, url, index) : { host, url, index, good: 0, bad: 0, out: false }),
      )
      await Promise.all(watched.places.map((place) => examine(place, check, signal)))
      // Those that began together are not to ask in the same moment for ever.
      await pause(check.interval * 1000 * (0.9 + Math.random() / 5), signal)
    }
  }

  async function mark({ host, url, index }: Place): Promise<void> {
    const urls = table.lookup(host)?.urls ?? []
    if (urls[index] !== url) return
    await marks.markDead({ host, url, index, backends: urls.length, verdict: true }).catch(() => undefined)
  }

  async function examine(place: Place, check: HealthCheck, signal: AbortSignal): Promise<void> {
    const { host, url, index } = place
    const address = backendAddress(url)
    if (address === undefined) return
    const { path, status, body } = check
    const problem = await probe(address, {
      method: 'GET',
      path,
      host: probedHost(host, address),
      accepts: (got) => (status === undefined ? got < 500 || got === 503 : got === status),
      body,
      timeoutMs: check.timeout * 1000,
      lookup: policy.lookup,
    })
    if (signal.aborted || table.lookup(host)?.urls[index] !== url || problem?.kind === 'exhausted') return
    place.good = problem === undefined ? place.good + 1 : 0
    place.bad = problem === undefined ? 0 : place.bad + 1
    if (place.bad >= check.fall) {
      if (!place.out) warn(`${url} of ${host} failed its check: ${problem?.text ?? ''}`)
      place.out = true
      await mark(place)
    } else if (place.good >= check.rise && (place.out || isMarked(host, index))) {
      // Also for marks that others made: what answers its check is alive.
      const wasOut = place.out
      if (wasOut) report(`${url} of ${host} passed its check`)
      place.out = false
      await marks.unmarkDead(host, index).catch(() => (place.out = wasOut))
    }
  }

  /** Nobody will bring back what a check took out that is no more; unless it is being written anew. */
  function letIn(places: readonly Place[]): void {
    for (const { host, index, out } of places)
      if (out && !running.has(host)) void marks.unmarkDead(host, index).catch(() => undefined)
  }

  const isMarked = (host: string, index: number): boolean =>
    table.deadOf(host, performance.now())?.indexes.has(index) === true

  return {
    /** Starts, replaces or (without fields) ends the check of a host. */
    set(host: string, fields: Record<string, string>): void {
      if (closed) return
      const text = JSON.stringify(fields)
      const present = running.get(host)
      if (present?.fields === text) return
      present?.controller.abort()
      running.delete(host)
      if (Object.keys(fields).length === 0) {
        setTimeout(() => letIn(present?.places ?? []), rewrittenMs).unref()
        return
      }
      for (const name of oddFields(fields))
        warn(
          `healthcheck:${host}: ${name} ${JSON.stringify(fields[name])} is not understood and counts as not given`,
        )
      const controller = new AbortController()
      const watched = { fields: text, controller, places: [] }
      running.set(host, watched)
      void watch(watched, host, HealthCheck.parse(fields), controller.signal)
    },
    /** Gives the verdicts again at once. */
    renew,
    close(): void {
      closed = true
      clearInterval(renewing)
      clearInterval(moving)
      for (const { controller } of running.values()) controller.abort()
      running.clear()
    },
  }
}

/** A host that the pattern stands for; `*` stands for any, and then it is the backend's own. */
function probedHost(pattern: string, { host, port }: BackendAddress): string {
  if (pattern !== '*') return pattern.replace(/^\*\./, '')
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}

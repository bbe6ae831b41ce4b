import { z } from 'zod'
import { backendAddress } from '../../model/backend-address.ts'
import { type RouteTable } from '../table/route-table.ts'
import { type DeadMarks } from './faults.ts'
import { probe } from './probe.ts'

/**
 * HASH `healthcheck:<host>`: planb's path, body and status; ours: interval and timeout in seconds, and how many
 * probes in a row decide.
 */
export const HealthCheck = z.object({
  path: z
    .string()
    .regex(/^\/[!-~]*$/)
    .default('/'),
  status: z.coerce.number().int().min(100).max(599).optional(),
  body: z.string().min(1).optional(),
  interval: z.coerce.number().min(0.1).max(3600).default(5),
  timeout: z.coerce.number().min(0.1).max(300).default(3),
  /** Failures that take a backend out. */
  fall: z.coerce.number().int().min(1).max(100).default(2),
  /** Successes that bring it back. */
  rise: z.coerce.number().int().min(1).max(100).default(1),
})
export type HealthCheck = z.infer<typeof HealthCheck>

/** Failures or successes in a row, and whether the backend was taken out by this check. */
type Streak = { good: number; bad: number; out: boolean }

/**
 * Probes every backend of the hosts that ask for it. A verdict goes to Hipache's dead set, so that all workers and
 * all other routers of the same Redis follow it.
 */
export function createHealthChecks(table: RouteTable, marks: DeadMarks, report: (message: string) => void) {
  const running = new Map<string, { fields: string; controller: AbortController }>()

  async function watch(host: string, check: HealthCheck, signal: AbortSignal): Promise<void> {
    const streaks = new Map<string, Streak>()
    while (!signal.aborted) {
      const route = table.get(host)
      await Promise.all(
        (route?.urls ?? []).map((url, index) => one(host, check, url, index, streaks, signal)),
      )
      for (const url of streaks.keys()) if (route?.urls.includes(url) !== true) streaks.delete(url)
      await pause(check.interval * 1000, signal)
    }
  }

  async function one(
    host: string,
    check: HealthCheck,
    url: string,
    index: number,
    streaks: Map<string, Streak>,
    signal: AbortSignal,
  ): Promise<void> {
    const address = backendAddress(url)
    if (address === undefined) return
    const { path, status, body } = check
    const request = { method: 'GET', path, host, status, body, timeoutMs: check.timeout * 1000 } as const
    const problem = await probe(address, request)
    const route = table.get(host)
    if (signal.aborted || route?.urls[index] !== url) return
    const streak = streaks.get(url) ?? { good: 0, bad: 0, out: false }
    streaks.set(url, streak)
    if (problem === undefined) {
      streak.good += 1
      streak.bad = 0
    } else {
      streak.bad += 1
      streak.good = 0
    }
    if (streak.bad >= check.fall) {
      if (!streak.out) report(`${url} of ${host} failed its check: ${problem ?? ''}`)
      streak.out = true
      // Again at each failure, because the set expires.
      await marks.markDead({ host, url, index, backends: route.urls.length }).catch(() => undefined)
    } else if (streak.good >= check.rise && (streak.out || isMarked(host, index))) {
      // Also for marks that others made: what answers its check is alive.
      if (streak.out) report(`${url} of ${host} passed its check`)
      await marks.unmarkDead(host, index).then(
        () => (streak.out = false),
        () => undefined,
      )
    }
  }

  const isMarked = (host: string, index: number): boolean =>
    table.deadOf(host, performance.now())?.has(index) === true

  return {
    /** Starts, replaces or (without fields) ends the check of a host. */
    set(host: string, fields: Record<string, string>): void {
      const text = JSON.stringify(fields)
      const present = running.get(host)
      if (present?.fields === text) return
      present?.controller.abort()
      running.delete(host)
      if (Object.keys(fields).length === 0) return
      const check = HealthCheck.safeParse(fields)
      if (!check.success) {
        report(`healthcheck:${host} is not understood: ${z.prettifyError(check.error)}`)
        return
      }
      const controller = new AbortController()
      running.set(host, { fields: text, controller })
      void watch(host, check.data, controller.signal)
    },
    close(): void {
      for (const { controller } of running.values()) controller.abort()
      running.clear()
    },
  }
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

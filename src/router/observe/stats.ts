import { z } from 'zod'
import { type Finished } from '../forward/plane.ts'
import { addHistogram, bucketOf, type Histogram, observe, quantile } from './histogram.ts'

/** How often what no longer exists is forgotten. */
export const forgetMs = 60_000

/** So many hosts, or backends, are told of at once, which takes a few milliseconds. */
const partSize = 500

/** Counters of one host or one backend. */
type Counters = {
  requests: number
  /** Responses by their first digit: index 0 for none at all, 1 to 5. */
  statuses: number[]
  bytes: number
  /** Of all requests together but those that became tunnels, from head to end, as the histogram. */
  ms: number
  histogram: Histogram
}

/** And how many requests are in progress. */
export type Told = Counters & { inFlight: number }

/** Some of the hosts and backends that a worker has counted for. */
export type StatsPart = { hosts: Record<string, Told>; backends: Record<string, Told> }

/** What one worker has counted since it started; its master adds the workers up. */
export type WorkerStats = StatsPart & {
  startedAt: string
  version: number
  routes: number
  clients: number
  rssBytes: number
  total: Told
  ejected: Record<string, string>
  /** What it has counted until now, and forgotten, as no route has it any more; one of an earlier version does not say. */
  gone?: Names
}

/** What outlives a worker. */
type Counted = Pick<WorkerStats, 'total' | 'hosts' | 'backends'>

/** Hosts and backends that something is counted for. */
export const Names = z.object({ hosts: z.array(z.string()), backends: z.array(z.string()) })
export type Names = z.infer<typeof Names>

/** Not in the schema's order: V8 would take objects of both for the same, and make a new number for each sum. */
function counters(): Counters {
  return { ms: 0, bytes: 0, requests: 0, statuses: [0, 0, 0, 0, 0, 0], histogram: [] }
}

function told(): Told {
  return { ...counters(), inFlight: 0 }
}

function entryOf<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}

/** All but what is in flight, which ends with its worker. */
function addCounters(into: Counters, from: Counters): void {
  into.requests += from.requests
  into.bytes += from.bytes
  into.ms += from.ms
  for (let i = 0; i < into.statuses.length; i += 1)
    into.statuses[i] = (into.statuses[i] ?? 0) + (from.statuses[i] ?? 0)
  addHistogram(into.histogram, from.histogram)
}

type InFlight = ReadonlyMap<string, { inFlight: number }>

/** All that is counted, or in flight. What is counted while this goes on may be in it. */
function* toldOf(counted: ReadonlyMap<string, Counters>, inFlight: InFlight): Generator<[string, Told]> {
  for (const [key, counter] of counted)
    yield [key, { ...counter, inFlight: inFlight.get(key)?.inFlight ?? 0 }]
  for (const [key, one] of inFlight)
    if (!counted.has(key)) yield [key, { ...counters(), inFlight: one.inFlight }]
}

function* partsOf(all: Iterable<[string, Told]>): Generator<Record<string, Told>> {
  let part: [string, Told][] = []
  for (const entry of all) {
    part.push(entry)
    if (part.length < partSize) continue
    yield Object.fromEntries(part)
    part = []
  }
  yield Object.fromEntries(part)
}

/** What was told in parts, and at the end, as one. */
export function joined<T extends StatsPart>(end: T, parts: readonly StatsPart[]): T {
  const all = [...parts, end]
  return {
    ...end,
    hosts: Object.fromEntries(all.flatMap(({ hosts }) => Object.entries(hosts))),
    backends: Object.fromEntries(all.flatMap(({ backends }) => Object.entries(backends))),
  }
}

/** All parts of what a worker has counted, and the rest. */
export function atOnce(stats: Generator<StatsPart, WorkerStats>): WorkerStats {
  const parts: StatsPart[] = []
  let next = stats.next()
  for (; next.done !== true; next = stats.next()) parts.push(next.value)
  return joined(next.value, parts)
}

export type StatsCounter = ReturnType<typeof createStatsCounter>

/** Counts the finished requests of one worker, by route host and backend: never by what a client made up. */
export function createStatsCounter() {
  const total = counters()
  const hosts = new Map<string, Counters>()
  const backends = new Map<string, Counters>()

  function count(into: Counters, finished: Finished, ms: number, bucket: number): void {
    into.requests += 1
    const digit = Math.floor(finished.status / 100)
    into.statuses[digit] = (into.statuses[digit] ?? 0) + 1
    into.bytes += finished.bytesSent
    // How long a tunnel has lived is no time of an answer.
    if (finished.status === 101) return
    into.ms += ms
    observe(into.histogram, bucket)
  }

  function* parts(inFlight: { hosts: InFlight; backends: InFlight }): Generator<StatsPart> {
    for (const some of partsOf(toldOf(hosts, inFlight.hosts))) yield { hosts: some, backends: {} }
    for (const some of partsOf(toldOf(backends, inFlight.backends))) yield { hosts: {}, backends: some }
  }

  return {
    total,
    count(finished: Finished): void {
      const { backend, route, startedAt, backendStartedAt, finishedAt } = finished
      const ms = finishedAt - startedAt
      const bucket = bucketOf(ms)
      count(total, finished, ms, bucket)
      if (route !== undefined) count(entryOf(hosts, route.host, counters), finished, ms, bucket)
      if (backend === undefined) return
      const own = backendStartedAt === startedAt ? bucket : bucketOf(finishedAt - backendStartedAt)
      count(entryOf(backends, backend.url, counters), finished, ms, own)
    },
    /** What another has counted, all but what it has in flight. */
    add(counted: Counted): void {
      addCounters(total, counted.total)
      for (const [host, one] of Object.entries(counted.hosts))
        addCounters(entryOf(hosts, host, counters), one)
      for (const [url, one] of Object.entries(counted.backends))
        addCounters(entryOf(backends, url, counters), one)
    },
    names: (): Names => ({ hosts: [...hosts.keys()], backends: [...backends.keys()] }),
    /** What no longer exists, so that memory is bounded by the table. */
    forget(names: Names): void {
      for (const host of names.hosts) hosts.delete(host)
      for (const url of names.backends) backends.delete(url)
    },
    parts,
    read: (): Counted =>
      joined({ total: { ...total, inFlight: 0 }, hosts: {}, backends: {} }, [
        ...parts({ hosts: new Map(), backends: new Map() }),
      ]),
  }
}

const Summary = z.object({
  requests: z.int(),
  /** Responses with a status of 500 or more, those of the router's own included. */
  errors5xx: z.int(),
  statuses: z.record(z.enum(['none', '1xx', '2xx', '3xx', '4xx', '5xx']), z.int()),
  bytes: z.int(),
  inFlight: z.int(),
  /** Milliseconds from the request's head to the response's end, tunnels left out; null before the first. */
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
})
export type Summary = z.infer<typeof Summary>

/** What `router:stats` shows: all workers together, since the router started. */
export const RouterStats = z.object({
  workers: z.array(
    z.object({
      pid: z.int(),
      startedAt: z.iso.datetime(),
      version: z.int(),
      clients: z.int(),
      rssBytes: z.int(),
    }),
  ),
  routes: z.int(),
  total: Summary,
  hosts: z.record(z.string(), Summary),
  backends: z.record(z.string(), Summary.extend({ ejected: z.string().nullable() })),
})
export type RouterStats = z.infer<typeof RouterStats>

/** All workers' counters as one. */
export type MergedStats = {
  total: Told
  hosts: Map<string, Told>
  backends: Map<string, Told>
  ejected: Map<string, string>
}

/**
 * `ended`: what workers have counted that have ended, which have nothing in flight. Of what one has just forgotten it
 * does not count what others still have, as a part of a sum would look as if it began anew.
 */
export function mergeStats(
  workers: readonly WorkerStats[],
  ended: Counted,
  forgotten: readonly Names[],
): MergedStats {
  const merged: MergedStats = { total: told(), hosts: new Map(), backends: new Map(), ejected: new Map() }
  const add = (into: Told, from: Told): void => {
    addCounters(into, from)
    into.inFlight += from.inFlight
  }
  for (const { total, hosts, backends } of [...workers, ended]) {
    add(merged.total, total)
    for (const [host, one] of Object.entries(hosts)) add(entryOf(merged.hosts, host, told), one)
    for (const [url, one] of Object.entries(backends)) add(entryOf(merged.backends, url, told), one)
  }
  for (const { ejected } of workers)
    for (const [url, why] of Object.entries(ejected)) merged.ejected.set(url, why)
  for (const { hosts, backends } of forgotten) {
    for (const host of hosts) merged.hosts.delete(host)
    for (const url of backends) merged.backends.delete(url)
  }
  return merged
}

/** A worker that has just begun may not have all of them yet. */
export function routesOf(workers: readonly WorkerStats[]): number {
  return Math.max(0, ...workers.map((worker) => worker.routes))
}

function summary(from: Told): Summary {
  const [none = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0] = from.statuses
  const round = (ms: number | undefined): number | null =>
    ms === undefined ? null : Math.round(ms * 100) / 100
  return {
    requests: from.requests,
    errors5xx: s5,
    statuses: { none, '1xx': s1, '2xx': s2, '3xx': s3, '4xx': s4, '5xx': s5 },
    bytes: from.bytes,
    inFlight: from.inFlight,
    p50: round(quantile(from.histogram, 0.5)),
    p95: round(quantile(from.histogram, 0.95)),
    p99: round(quantile(from.histogram, 0.99)),
  }
}

export function routerStats(
  merged: MergedStats,
  workers: readonly (WorkerStats & { pid: number })[],
): RouterStats {
  const sorted = (map: Map<string, Told>): [string, Told][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    workers: workers.map(({ pid, startedAt, version, clients, rssBytes }) => ({
      pid,
      startedAt,
      version,
      clients,
      rssBytes,
    })),
    routes: routesOf(workers),
    total: summary(merged.total),
    hosts: Object.fromEntries(sorted(merged.hosts).map(([host, value]) => [host, summary(value)])),
    backends: Object.fromEntries(
      sorted(merged.backends).map(([url, value]) => [
        url,
        { ...summary(value), ejected: merged.ejected.get(url) ?? null },
      ]),
    ),
  }
}

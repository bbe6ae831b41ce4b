import { quantile, size, upperMs } from './histogram.ts'
import { type MergedStats, routesOf, type Told, type WorkerStats } from './stats.ts'

/** As index of `statuses`. */
const classes = ['none', '1xx', '2xx', '3xx', '4xx', '5xx']
/** Hosts, and backends, that are told of one by one. */
const mostTold = 1000
/** Those of router:stats. */
const quantiles = [0.5, 0.95, 0.99]

/** Text exposition format 0.0.4. */
export function prometheusText(merged: MergedStats, workers: readonly WorkerStats[]): string {
  const { total, ejected } = merged
  const hosts = busiest(merged.hosts)
  const backends = busiest(merged.backends)
  const lines = [
    ...metric('workers', 'gauge', 'Worker processes.', [['', workers.length]]),
    ...metric('routes', 'gauge', 'Hosts in the route table.', [['', routesOf(workers)]]),
    ...metric('hosts_not_told', 'gauge', `Hosts beyond the ${mostTold} with the most requests.`, [
      ['', merged.hosts.size - hosts.size],
    ]),
    ...metric(
      'answers_total',
      'counter',
      'All requests by class of status, those for hosts that nobody has included.',
      total.statuses.map((count, i) => [`status="${classes[i]}"`, count]),
    ),
    ...metric('requests_total', 'counter', 'Requests by host and class of status.', byStatus('host', hosts)),
    ...metric(
      'backend_requests_total',
      'counter',
      'Requests by backend and class of status.',
      byStatus('backend', backends),
    ),
    ...metric('in_flight', 'gauge', 'Requests in progress by host.', inFlight('host', hosts)),
    ...metric(
      'backend_in_flight',
      'gauge',
      'Requests in progress by backend.',
      inFlight('backend', backends),
    ),
    ...metric(
      'backend_ejected',
      'gauge',
      '1 while a backend gets no requests of one host at least.',
      [...backends.keys()].map((url) => [named('backend', url), ejected.has(url) ? 1 : 0]),
    ),
    ...metric(
      'duration_quantile_seconds',
      'gauge',
      'Quantiles of all durations since the start, by host.',
      byQuantile('host', hosts),
    ),
    ...metric(
      'backend_duration_quantile_seconds',
      'gauge',
      "Quantiles of all durations since the start, from the last attempt's beginning, by backend.",
      byQuantile('backend', backends),
    ),
    ...heading(
      'request_duration_seconds',
      'histogram',
      'From the head of the request to the end of the response; not of requests that became tunnels.',
    ),
  ]
  for (const [host, counters] of hosts) lines.push(...histogramOf(named('host', host), counters))
  return `${lines.join('\n')}\n`
}

/** Those with the most requests, where there are too many: each is some thirty lines. */
function busiest(all: Map<string, Told>): Map<string, Told> {
  if (all.size <= mostTold) return all
  return new Map([...all].sort(([, a], [, b]) => b.requests - a.requests).slice(0, mostTold))
}

type Sample = [labels: string, value: number]

function heading(name: string, type: string, help: string): string[] {
  return [`# HELP paas_router_${name} ${help}`, `# TYPE paas_router_${name} ${type}`]
}

function metric(name: string, type: string, help: string, samples: Sample[]): string[] {
  const lines = samples.map(([labels, value]) =>
    labels === '' ? `paas_router_${name} ${value}` : `paas_router_${name}{${labels}} ${value}`,
  )
  return [...heading(name, type, help), ...lines]
}

function byStatus(label: string, all: Map<string, Told>): Sample[] {
  return [...all].flatMap(([key, { statuses }]) =>
    statuses.flatMap((count, i): Sample[] =>
      count === 0 ? [] : [[`${named(label, key)},status="${classes[i]}"`, count]],
    ),
  )
}

function inFlight(label: string, all: Map<string, Told>): Sample[] {
  return [...all].map(([key, counters]) => [named(label, key), counters.inFlight])
}

function byQuantile(label: string, all: Map<string, Told>): Sample[] {
  return [...all].flatMap(([key, { histogram }]) =>
    quantiles.flatMap((q): Sample[] => {
      const ms = quantile(histogram, q)
      return ms === undefined ? [] : [[`${named(label, key)},quantile="${q}"`, ms / 1000]]
    }),
  )
}

function histogramOf(labels: string, { histogram, ms }: Told): string[] {
  const name = 'paas_router_request_duration_seconds'
  const lines: string[] = []
  let cumulative = 0
  for (let i = 0; i < size; i += 1) {
    cumulative += histogram[i] ?? 0
    // Every fourth bucket: a doubling.
    if (i % 4 === 0 && i < size - 1)
      lines.push(`${name}_bucket{${labels},le="${upperMs(i) / 1000}"} ${cumulative}`)
  }
  return [
    ...lines,
    `${name}_bucket{${labels},le="+Inf"} ${cumulative}`,
    `${name}_sum{${labels}} ${ms / 1000}`,
    `${name}_count{${labels}} ${cumulative}`,
  ]
}

function named(label: string, text: string): string {
  const value = text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
  return `${label}="${value}"`
}

import { upperMs } from './histogram.ts'
import { type MergedStats, routesOf, type WorkerStats } from './stats.ts'

/** As index of `statuses`. */
const classes = ['none', '1xx', '2xx', '3xx', '4xx', '5xx']

/** Text exposition format 0.0.4. */
export function prometheusText(merged: MergedStats, workers: readonly WorkerStats[]): string {
  const lines = [
    '# HELP paas_router_workers Worker processes.',
    '# TYPE paas_router_workers gauge',
    `paas_router_workers ${workers.length}`,
    '# HELP paas_router_routes Hosts in the route table.',
    '# TYPE paas_router_routes gauge',
    `paas_router_routes ${routesOf(workers)}`,
    '# HELP paas_router_answers_total All requests by class of status, those for hosts that nobody has included.',
    '# TYPE paas_router_answers_total counter',
    ...merged.total.statuses.map((count, i) => `paas_router_answers_total{status="${classes[i]}"} ${count}`),
    '# HELP paas_router_requests_total Requests by host and class of status.',
    '# TYPE paas_router_requests_total counter',
  ]
  for (const [host, counters] of merged.hosts) {
    counters.statuses.forEach((count, i) => {
      if (count > 0)
        lines.push(`paas_router_requests_total{host="${label(host)}",status="${classes[i]}"} ${count}`)
    })
  }
  lines.push(
    '# HELP paas_router_backend_requests_total Requests by backend and class of status.',
    '# TYPE paas_router_backend_requests_total counter',
  )
  for (const [url, counters] of merged.backends) {
    counters.statuses.forEach((count, i) => {
      if (count > 0) {
        lines.push(
          `paas_router_backend_requests_total{backend="${label(url)}",status="${classes[i]}"} ${count}`,
        )
      }
    })
  }
  lines.push(
    '# HELP paas_router_backend_in_flight Requests in progress by backend.',
    '# TYPE paas_router_backend_in_flight gauge',
  )
  for (const [url, { inFlight }] of merged.backends) {
    lines.push(`paas_router_backend_in_flight{backend="${label(url)}"} ${inFlight}`)
  }
  lines.push(
    '# HELP paas_router_backend_ejected 1 while a backend gets no requests.',
    '# TYPE paas_router_backend_ejected gauge',
  )
  for (const url of merged.backends.keys()) {
    lines.push(`paas_router_backend_ejected{backend="${label(url)}"} ${merged.ejected.has(url) ? 1 : 0}`)
  }
  lines.push(
    '# HELP paas_router_request_duration_seconds From the head of the request to the end of the response.',
    '# TYPE paas_router_request_duration_seconds histogram',
  )
  for (const [host, { histogram, requests, ms }] of merged.hosts) {
    let cumulative = 0
    histogram.forEach((count, i) => {
      cumulative += count
      // Every fourth bucket: a doubling.
      if (i % 4 === 0 && i < histogram.length - 1) {
        lines.push(
          `paas_router_request_duration_seconds_bucket{host="${label(host)}",le="${upperMs(i) / 1000}"} ${cumulative}`,
        )
      }
    })
    lines.push(`paas_router_request_duration_seconds_bucket{host="${label(host)}",le="+Inf"} ${requests}`)
    lines.push(`paas_router_request_duration_seconds_sum{host="${label(host)}"} ${ms / 1000}`)
    lines.push(`paas_router_request_duration_seconds_count{host="${label(host)}"} ${requests}`)
  }
  return `${lines.join('\n')}\n`
}

function label(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}

import { readRouterStats } from '../../router/control.ts'
import { RouterStats, type Summary } from '../../router/observe/stats.ts'
import { defineCommand } from '../define.ts'
import { ago, bytes, table } from '../render.ts'

export const routerStats = defineCommand({
  name: 'router:stats',
  summary: 'show what the router has served, by host and backend',
  description:
    'Counts since the router started: requests, responses of 500 and more, times from the head of a request to the end ' +
    'of its response in milliseconds (to within a fifth), and requests in flight. The same is at the loopback address of ' +
    'the metrics as Prometheus text.',
  examples: ['paas router:stats', 'paas router:stats --json'],
  access: 'admin',
  app: 'none',
  result: RouterStats,
  run: (_input, { platform }) => readRouterStats(platform.paths.routerSocket),
  render({ workers, routes, total, hosts, backends }) {
    const since = workers
      .map((worker) => worker.startedAt)
      .sort()
      .at(0)
    const head = ['requests', '5xx', 'p50', 'p95', 'p99', 'in flight', 'sent']
    const row = (name: string, one: Summary): string[] => [
      name,
      String(one.requests),
      String(one.errors5xx),
      ...[one.p50, one.p95, one.p99].map((ms) => (ms === null ? '-' : ms.toFixed(1))),
      String(one.inFlight),
      bytes(one.bytes),
    ]
    const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
    const memory = workers.reduce((sum, worker) => sum + worker.rssBytes, 0)
    const clients = workers.reduce((sum, worker) => sum + worker.clients, 0)
    return (
      `${plural(workers.length, 'worker')}${since === undefined ? '' : `, the first started ${ago(new Date(since), new Date())}`}, ` +
      `${bytes(memory)}; ${plural(routes, 'route')}; ${plural(clients, 'client')}\n\n` +
      table([
        ['host', ...head],
        ...Object.entries(hosts).map(([name, one]) => row(name, one)),
        row('all', total),
      ]) +
      (Object.keys(backends).length === 0
        ? ''
        : `\n${table([
            ['backend', ...head],
            ...Object.entries(backends).map(([name, one]) => [
              ...row(name, one),
              one.ejected === null ? '' : `out: ${one.ejected}`,
            ]),
          ])}`)
    )
  },
})

/**
 * How much paas itself takes with 1, 100 and 300 idle apps: memory and CPU of controller, router and Redis, the time
 * of `apps:list`, of a push, and of a request, and how long all take to answer after a restart in which every container
 * was lost. The app is test/apps/static-site behind the nginx of its buildpack. Prints a table; exits 1 where our own
 * share is more than 400 MiB with 300 apps. `node density.ts 1 50` measures other sizes. Needs root and Docker.
 */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { instancePaths } from '../../../src/lib/paths.ts'
import { setUpPrivateInstance } from '../../support/private-instance.ts'
import { eventually, mustRun } from '../../support/process.ts'
import { growingFleet } from './fleet.ts'
import { ask } from './push.ts'
import { median, memory, type Part, parts, processesOf } from './usage.ts'

const limitMiB = 400
const idleSeconds = 30
/** A kernel's clock tick, which /proc counts in. */
const ticksPerSecond = 100

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 100, 300]
const made = await setUpPrivateInstance()
const { instance } = made
const paths = instancePaths(instance.root)
const paas = (...args: string[]): Promise<string> => mustRun(paths.launcher, args)
const fleet = await growingFleet(instance)

type Share = { rss: number; pss: number; cpu: number }
type Measured = {
  apps: number
  controller: Share
  router: Share
  redis: Share
  listMs: number
  pushMs: number
  requestMs: number
  bootSeconds: number
}

const results: Measured[] = []
try {
  for (const size of sizes) {
    await fleet.growTo(size)
    results.push(await measure(size))
    console.error(JSON.stringify(results.at(-1)))
  }
  report()
} finally {
  await made.remove()
  await fleet.remove()
}

async function measure(apps: number): Promise<Measured> {
  await sleep(5000)
  const before = await ticks()
  await sleep(idleSeconds * 1000)
  const after = await ticks()
  const share = async (name: keyof typeof after): Promise<Share> => ({
    ...(await memory(await processesOf(paths, name))),
    cpu: (after[name] - before[name]) / ticksPerSecond / idleSeconds,
  })
  const [controller, router, redis] = [await share('controller'), await share('router'), await share('redis')]
  const listMs = await median(7, () => paas('apps:list'))
  const pushMs = await median(3, () => fleet.push())
  const host = `${fleet.names.at(-1)!}.${instance.domain}`
  const requestMs = await median(50, () => ask(instance.httpPort, host))
  return { apps, controller, router, redis, listMs, pushMs, requestMs, bootSeconds: await boot() }
}

/** Everything ends, containers too, as in a restart of the machine; then until every app answers. */
async function boot(): Promise<number> {
  const serve = Number(await readFile(join(paths.run, 'serve.pid'), 'utf8'))
  process.kill(serve, 'SIGTERM')
  await eventually('paas serve ends', 120_000, async () =>
    readFile(`/proc/${serve}/stat`).then(
      () => false,
      () => true,
    ),
  )
  const ids = await mustRun('docker', ['ps', '--quiet', '--filter', `label=paas.instance=${instance.name}`])
  await mustRun('docker', ['kill', ...ids.split('\n').filter(Boolean)])
  const began = performance.now()
  spawn(paths.launcher, ['serve'], { detached: true, stdio: 'ignore' }).unref()
  for (const name of fleet.names) {
    await eventually(`${name} answers`, 900_000, async () =>
      ask(instance.httpPort, `${name}.${instance.domain}`).then(
        (status) => status === 200,
        () => false,
      ),
    )
  }
  return (performance.now() - began) / 1000
}

async function ticks(): Promise<Record<Part, number>> {
  const all = await Promise.all(
    parts.map(async (name) => {
      const counts = (await processesOf(paths, name)).map(async (pid) => {
        const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return Number(fields[11]) + Number(fields[12])
      })
      return [name, (await Promise.all(counts)).reduce((sum, one) => sum + one, 0)] as const
    }),
  )
  return Object.fromEntries(all) as Record<Part, number>
}

function report(): void {
  const shown = ({ rss, pss, cpu }: Share): string =>
    `${rss.toFixed(0)} / ${pss.toFixed(0)} MiB, ${(cpu * 100).toFixed(1)} %`
  const rows = results.map((one) => [
    String(one.apps),
    ...parts.map((part) => shown(one[part])),
    `${parts.reduce((sum, part) => sum + one[part].pss, 0).toFixed(0)} MiB`,
    `${one.listMs.toFixed(0)} ms`,
    `${one.pushMs.toFixed(0)} ms`,
    `${one.requestMs.toFixed(1)} ms`,
    `${one.bootSeconds.toFixed(0)} s`,
  ])
  const heads = [
    'apps',
    'controller',
    'router',
    'Redis',
    'ours (PSS)',
    'apps:list',
    'push',
    'request',
    'boot',
  ]
  console.log('RSS / PSS, and share of one core while nothing happens.\n')
  for (const row of [heads, heads.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`)
  const most = results.at(-1)!
  const ours = parts.reduce((sum, part) => sum + most[part].pss, 0)
  if (ours <= limitMiB) return
  console.log(`\nOur own share is ${ours.toFixed(0)} MiB, and may be ${limitMiB}.`)
  process.exitCode = 1
}

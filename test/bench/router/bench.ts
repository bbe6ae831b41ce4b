import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { installAnchors } from './anchors.ts'
import { backendConfig, caddyConfig, haproxyConfig, nginxConfig, wrkScript } from './configs.ts'
import {
  listens,
  type Load,
  median,
  openIdle,
  type Running,
  type Sample,
  sample,
  startOn,
} from './measure.ts'
import { inOwnNetwork } from './own-network.ts'

/**
 * The router beside its anchors, one core for the proxy and the other for load and backend, in rounds in which every
 * proxy is measured right before or after nginx: the machine's speed changes within seconds. Processes of one program
 * differ from start to start, so all are started several times. Prints a Markdown table of ratios to nginx;
 * docs/performance.md has the method.
 */
const { values: flags } = parseArgs({
  options: {
    starts: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '1' },
    shapes: { type: 'string', default: '' },
    proxies: { type: 'string', default: '' },
    cache: { type: 'string', default: join(tmpdir(), 'paas-bench-anchors') },
  },
})
const starts = Number(flags.starts)
const rounds = Number(flags.rounds)
const seconds = Number(flags.seconds)
const base = 18_300
/**
 * Seconds of the run at a proxy's start, and runs at each shape, which are as long as those that are measured: Node
 * compiles anew for what is different there, and for connections that begin and end.
 */
const warmUp = { startSeconds: 2, shapeRuns: 3 }

const chosen = flags.proxies === '' ? undefined : ['nginx', ...flags.proxies.split(',')]
const wanted = (name: string): boolean => chosen?.includes(name) ?? true
/** Measured at one shape only, unless they are asked for. */
const slow: ReadonlySet<string> = new Set([
  ...['paas (no log)', 'caddy', 'http-proxy'],
  ...['bytes passed on', 'bytes passed on (public API)'],
])

/**
 * `everyone`: the slow anchors too, and twice the rounds, as most limits are set here. `idle`: connections that do
 * nothing meanwhile, half of them in half a head.
 */
type Shape = Load & { name: string; everyone?: boolean; idle?: number }

/** One proxy's run, and nginx's beside it. */
type Pair = { own: Sample; nginx: Sample }

async function main(): Promise<void> {
  const anchors = await installAnchors(flags.cache)
  if (!inOwnNetwork()) return
  const directory = await mkdtemp(join(tmpdir(), 'paas-bench-'))
  const started: ChildProcess[] = []
  const env = { ...process.env, LD_LIBRARY_PATH: anchors.libraries }
  const begin = (
    core: number,
    program: string,
    args: string[],
    extra: NodeJS.ProcessEnv = {},
  ): ChildProcess => {
    const child = startOn(core, program, args, { ...env, ...extra })
    started.push(child)
    return child
  }
  try {
    begin(0, anchors.nginx, ['-p', directory, '-c', backendConfig(directory, base)])
    const socket = join(directory, 'redis.sock')
    started.push(
      spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', directory], {
        stdio: 'ignore',
      }),
    )
    const redis = new Redis({ path: socket, maxRetriesPerRequest: null })
    redis.on('error', () => undefined)
    await redis.rpush('frontend:bench.test', 'bench', `http://127.0.0.1:${base}`)
    redis.disconnect()
    await listens(base)

    const built = join(import.meta.dirname, '../../../dist/main/router.js')
    const router = (port: number, args: string[], program = built): [string, string[]] => [
      process.execPath,
      [
        program,
        ...['--redis', `redis+unix://${socket}`, '--listen', `127.0.0.1:${port}`, '--workers', '1'],
        ...args,
      ],
    ]
    const relay = (port: number, ...args: string[]): [string, string[]] => [
      process.execPath,
      [join(import.meta.dirname, 'relay-anchor.js'), String(base), String(port), ...args],
    ]
    const logged = (port: number): string[] => ['--access-log', join(directory, `access-${port}.log`)]
    // Another build of ours, so that a change is measured in one run: BENCH_BEFORE=…/dist/main/router.js
    const before = process.env.BENCH_BEFORE
    const makers: Record<string, (port: number) => ChildProcess> = {
      nginx: (port) => begin(1, anchors.nginx, ['-p', directory, '-c', nginxConfig(directory, port, base)]),
      paas: (port) => begin(1, ...router(port, logged(port))),
      'paas (public API)': (port) => begin(1, ...router(port, [...logged(port), '--no-fast-path'])),
      'paas (no log)': (port) => begin(1, ...router(port, [])),
      ...(before !== undefined && {
        before: (port) => begin(1, ...router(port, logged(port), before)),
        'before (public API)': (port) =>
          begin(1, ...router(port, [...logged(port), '--no-fast-path'], before)),
      }),
      haproxy: (port) => begin(1, anchors.haproxy, ['-f', haproxyConfig(directory, port, base)]),
      caddy: (port) =>
        begin(
          1,
          anchors.caddy,
          ['run', '--config', caddyConfig(directory, port, base), '--adapter', 'caddyfile'],
          {
            GOMAXPROCS: '1',
            HOME: directory,
          },
        ),
      undici: (port) =>
        begin(1, process.execPath, [
          join(import.meta.dirname, 'undici-anchor.js'),
          anchors.npm,
          String(base),
          String(port),
        ]),
      'bytes passed on': (port) => begin(1, ...relay(port)),
      'bytes passed on (public API)': (port) => begin(1, ...relay(port, '--no-fast-path')),
      'http-proxy': (port) =>
        begin(1, process.execPath, [
          join(import.meta.dirname, 'http-proxy-anchor.js'),
          anchors.npm,
          String(base),
          String(port),
        ]),
    }
    const shapes: Shape[] = [
      { name: 'keep-alive, 128 B, c=64', path: '/', connections: 64, everyone: true },
      { name: 'keep-alive, 128 B, c=256', path: '/', connections: 256 },
      {
        name: '13 browser headers, c=64',
        path: '/',
        connections: 64,
        script: wrkScript(directory, 'browser'),
      },
      { name: 'POST of 1 KB, c=64', path: '/', connections: 64, script: wrkScript(directory, 'post') },
      { name: '10 KB, c=64', path: '/10k', connections: 64 },
      { name: '1 MB, c=8', path: '/1m', connections: 8 },
      {
        name: 'a connection per request, c=64',
        path: '/',
        connections: 64,
        script: wrkScript(directory, 'close'),
      },
      { name: 'c=1', path: '/', connections: 1 },
      { name: 'c=64 beside 2,000 idle', path: '/', connections: 64, idle: 2000 },
    ]
    const measured = shapes.filter(({ name }) => name.includes(flags.shapes))
    const tables = measured.map(() => new Map<string, Pair[]>([['nginx', []]]))
    for (let start = 1; start <= starts; start += 1) {
      const proxies: Running[] = []
      for (const [i, [name, make]] of Object.entries(makers).entries()) {
        if (!wanted(name)) continue
        const port = base + 1 + i
        proxies.push({ name, port, child: make(port) })
        await listens(port)
      }
      for (const proxy of proxies)
        await sample(anchors.wrk, env, proxy, { path: '/', connections: 64 }, warmUp.startSeconds)
      for (const [i, shape] of measured.entries()) {
        console.error(`start ${start} of ${starts}: ${shape.name}`)
        await measureShape(
          anchors.wrk,
          env,
          shape,
          proxies.filter(({ name }) => shape.everyone === true || flags.proxies !== '' || !slow.has(name)),
          tables[i]!,
        )
      }
      await end(proxies.map(({ child }) => child))
    }
    const versions = Object.entries(anchors.versions).map(([name, version]) => `${name} ${version}`)
    console.log(
      `${versions.join(', ')}; ${starts} starts of ${rounds} rounds of ${seconds} s; medians; × is the ratio to nginx\n`,
    )
    console.log('| shape | proxy | requests/s | × | p50 µs | p99 µs | p99 × | CPU µs | CPU × | errors |')
    console.log('|---|---|---|---|---|---|---|---|---|---|')
    for (const [i, shape] of measured.entries()) printShape(shape, tables[i]!)
    console.log('\nOurs beside the other anchors, requests/s, medians of the ratios within rounds:\n')
    for (const [i, shape] of measured.entries()) printBesides(shape, tables[i]!)
  } finally {
    await end(started)
    await rm(directory, { recursive: true, force: true })
  }
}

/** SIGTERM first, which masters pass on to their workers. */
async function end(children: ChildProcess[]): Promise<void> {
  for (const child of children) child.kill('SIGTERM')
  await new Promise((resolve) => setTimeout(resolve, 1500))
  for (const child of children) child.kill('SIGKILL')
}

/** Adds this start's rounds of one shape to its pairs by proxy. */
async function measureShape(
  wrk: string,
  env: NodeJS.ProcessEnv,
  shape: Shape,
  proxies: Running[],
  pairs: Map<string, Pair[]>,
): Promise<void> {
  const idle = await Promise.all(proxies.map(({ port }) => openIdle(port, shape.idle ?? 0)))
  for (const proxy of proxies)
    for (let run = 0; run < warmUp.shapeRuns; run += 1) await sample(wrk, env, proxy, shape, seconds)
  const [nginx, ...others] = proxies as [Running, ...Running[]]
  for (let round = 0; round < (shape.everyone === true ? 2 : 1) * rounds; round += 1) {
    const order = round % 2 === 0 ? others : others.toReversed()
    for (let i = 0; i < order.length; i += 2) {
      // One run of nginx stands between those of two others.
      const taken = new Map<Running, Sample>()
      for (const proxy of [order[i]!, nginx, ...order.slice(i + 1, i + 2)])
        taken.set(proxy, await sample(wrk, env, proxy, shape, seconds))
      const beside = taken.get(nginx)!
      for (const [{ name }, own] of taken)
        pairs.set(name, [...(pairs.get(name) ?? []), { own, nginx: beside }])
    }
  }
  for (const socket of idle.flat()) socket.destroy()
}

function printShape(shape: Shape, pairs: Map<string, Pair[]>): void {
  for (const [name, taken] of pairs) {
    const of = (pick: (one: Sample) => number): number => median(taken.map(({ own }) => pick(own)))
    const ratio = (pick: (one: Sample) => number): string =>
      median(taken.map(({ own, nginx }) => pick(own) / pick(nginx))).toFixed(2)
    console.log(
      `| ${shape.name} | ${name} | ${Math.round(of((one) => one.rps))} | ${ratio((one) => one.rps)} | ` +
        `${Math.round(of((one) => one.p50us))} | ${Math.round(of((one) => one.p99us))} | ${ratio((one) => one.p99us)} | ` +
        `${of((one) => one.cpuUs).toFixed(1)} | ${ratio((one) => one.cpuUs)} | ${taken.reduce((sum, { own }) => sum + own.errors, 0)} |`,
    )
  }
}

/** What limits are set as multiples of: both halves of a ratio are of one round, each by nginx beside it. */
function printBesides(shape: Shape, pairs: Map<string, Pair[]>): void {
  for (const [name, ours] of pairs) {
    if (!/^(?:paas|before)/.test(name)) continue
    const besides = [...pairs].filter(([other]) => !/^(?:paas|before|nginx)/.test(other))
    const texts = besides.map(([other, theirs]) => {
      const ratios = ours.map(
        ({ own, nginx }, round) => own.rps / nginx.rps / (theirs[round]!.own.rps / theirs[round]!.nginx.rps),
      )
      return `${other} ${median(ratios).toFixed(2)}`
    })
    if (texts.length > 0) console.log(`${shape.name}: ${name} × ${texts.join(', ')}`)
  }
}

await main()

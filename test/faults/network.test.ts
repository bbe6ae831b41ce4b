import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { hostOf, instance, probe } from '../support/instance.ts'
import { startLoad } from '../support/load.ts'
import { eventually, mustRun } from '../support/process.ts'
import { allIsWell, watchOver } from './checker.ts'
import { isEjected, nobodyWaits, type Serving, serving } from './containers.ts'
import { measured } from './measured.ts'
import { timeUntil } from './processes.ts'
import { setScene } from './scene.ts'
import { startServe, stopServe } from './serve.ts'

const scene = await setScene('reached')
afterAll(() => scene[Symbol.asyncDispose]())
const { app, clone, neighbour } = scene

beforeEach(allIsWell)

/** Changes the firewall of a container's own network namespace; nobody else's packets come by there. */
const firewall = ({ init }: Serving, ...rule: string[]): Promise<string> =>
  mustRun('nsenter', [`--net=/proc/${init}/ns/net`, 'iptables', '-w', '5', ...rule])

test.each([
  { how: 'silent (DROP)', rule: ['-j', 'DROP'], limitMs: 15_000 },
  {
    how: 'refusing (REJECT)',
    rule: ['-p', 'tcp', '-j', 'REJECT', '--reject-with', 'tcp-reset'],
    limitMs: 5000,
  },
])(
  'a partition between the router and a container, $how: nobody waits for it for long, and it comes back',
  async ({ how, rule, limitMs }) => {
    const watch = await watchOver(scene)
    const [victim] = await serving(app)
    await firewall(victim!, '-I', 'INPUT', '1', ...rule)
    const cut = performance.now()
    await eventually('it is taken out', 30_000, () => isEjected(victim!))
    await eventually('nobody waits', 30_000, () => nobodyWaits(app))
    const ejectedMs = performance.now() - cut
    await firewall(victim!, '-D', 'INPUT', ...rule)
    const backMs = await timeUntil('it is asked again', 20_000, async () => {
      if (await isEjected(victim!)) return false
      const dynos = await Promise.all(Array.from({ length: 12 }, () => probe(app)))
      return new Set(dynos.map(({ dyno }) => dyno)).size === 2
    })
    const verdict = await watch.settle({ failures: 'some' })
    expect(verdict.broken).toEqual([])
    expect(ejectedMs).toBeLessThan(limitMs)
    measured(`partition from a container, ${how}`, { ejectedMs, backMs, ...verdict })
  },
)

test('one packet in twenty lost on the way to every container: slower, and nothing fails', async () => {
  const loss = ['-m', 'statistic', '--mode', 'random', '--probability', '0.05', '-j', 'DROP']
  const all = await serving(app)
  for (const one of all) {
    await firewall(one, '-I', 'INPUT', '1', ...loss)
    await firewall(one, '-I', 'OUTPUT', '1', ...loss)
  }
  const watch = await watchOver(scene)
  const load = startLoad({
    port: instance.httpPort,
    host: hostOf(app),
    perSecond: 50,
    connections: 40,
    owner: `${app} `,
  })
  await sleep(10_000)
  const { failures, latency } = await load.stop()
  for (const one of all) {
    await firewall(one, '-D', 'INPUT', ...loss)
    await firewall(one, '-D', 'OUTPUT', ...loss)
  }
  const verdict = await watch.settle()
  expect(failures).toEqual([])
  expect(verdict.broken).toEqual([])
  measured('5 % packet loss', { medianMs: latency.median, p99Ms: latency.p99, ...verdict })
})

test('DNS gone: apps are served and deployed as ever', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'paas-no-dns-'))
  const empty = join(folder, 'resolv.conf')
  // An address that nobody has (RFC 5737), so that whoever asks waits in vain.
  await writeFile(empty, 'nameserver 192.0.2.1\noptions timeout:30\n')
  await stopServe()
  const bind = `mount --bind ${empty} /etc/resolv.conf && exec "$0" "$@"`
  await startServe([app, neighbour], { through: ['unshare', '--mount', '/bin/sh', '-c', bind] })
  const watch = await watchOver(scene)
  const { version, files } = scene.nextVersion()
  const pushed = await clone.deploy(files)
  expect((await probe(app)).version).toBe(version)
  const verdict = await watch.settle({ changed: [app], said: [pushed.output] })
  expect(verdict.broken).toEqual([])
  measured('DNS gone', { pushMs: pushed.seconds * 1000, ...verdict })
  await stopServe()
  await startServe([app, neighbour])
  await rm(folder, { recursive: true })
})

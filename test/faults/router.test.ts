import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { readRouterStats } from '../../src/router/control.ts'
import { get, hostOf, instance, paths, pidOf } from '../support/instance.ts'
import { startLoad } from '../support/load.ts'
import { childrenOf } from '../support/proc.ts'
import { eventually, mustRun } from '../support/process.ts'
import { watchOver } from './checker.ts'
import { measured } from './measured.ts'
import { timeUntil } from './processes.ts'
import { must, setScene } from './scene.ts'
import { startServe, stopServe } from './serve.ts'

const scene = await setScene('routed')
afterAll(() => scene[Symbol.asyncDispose]())
const { app, neighbour } = scene
const stats = () => readRouterStats(paths.routerSocket)
const workers = async (): Promise<number[]> => childrenOf(await pidOf('router').catch(() => 1))
const answers = async (): Promise<boolean> =>
  (await get(hostOf(app), '/facts').catch(() => undefined))?.status === 200

beforeEach(async () => {
  await eventually('the router serves', 60_000, async () => {
    const { workers } = await stats().catch(() => ({ workers: [] }))
    return workers.length > 0 && (await answers())
  })
})

test('a router worker, kill -9: another one serves within a second, and only what it had is lost', async () => {
  const watch = await watchOver(scene)
  const [victim, ...others] = await workers()
  process.kill(victim!, 'SIGKILL')
  const backMs = await timeUntil('as many workers', 5000, async () => {
    const now = await workers()
    return now.length === others.length + 1 && !now.includes(victim!)
  })
  const servesMs = await timeUntil('all of them serve', 5000, async () =>
    stats().then(
      ({ workers }) => workers.length === others.length + 1 && !workers.some(({ pid }) => pid === victim),
      () => false,
    ),
  )
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
  expect(backMs).toBeLessThan(1000)
  // Its connections: no more requests than were on them.
  expect(verdict.failures.length).toBeLessThanOrEqual(16)
  measured('router worker kill -9', { backMs, servesMs: backMs + servesMs, ...verdict })
})

test('the router master, kill -9: it is started again and serves what it knew', async () => {
  const watch = await watchOver(scene)
  const master = await pidOf('router')
  process.kill(master, 'SIGKILL')
  const killed = performance.now()
  await eventually('another master', 30_000, async () => {
    const now = await pidOf('router').catch(() => master)
    return now !== master && !Number.isNaN(now)
  })
  await eventually('it answers', 30_000, answers)
  const backMs = performance.now() - killed
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
  expect(backMs).toBeLessThan(5000)
  measured('router master kill -9', { backMs, ...verdict })
})

test('2,000 slow clients: others do not notice, and memory stays bounded', async () => {
  const fast = () =>
    startLoad({
      port: instance.httpPort,
      host: hostOf(app),
      perSecond: 100,
      connections: 8,
      owner: `${app} `,
    })
  const alone = fast()
  await eventually('it was asked a while', 10_000, async () => alone.sent() > 500)
  const quiet = await alone.stop()

  const watch = await watchOver(scene)
  const slow = await startSlowClients(2000)
  await eventually('all are connected', 20_000, async () => {
    const { workers } = await stats()
    // Those that send too much are always just being closed.
    return workers.reduce((sum, { clients }) => sum + clients, 0) >= 1900
  })
  const beside = fast()
  await eventually('it was asked a while', 10_000, async () => beside.sent() > 500)
  const busy = await beside.stop()
  const rss = Math.max(...(await stats()).workers.map(({ rssBytes }) => rssBytes))
  slow.kill('SIGKILL')
  const verdict = await watch.settle()
  expect(verdict.broken).toEqual([])
  expect(busy.failures).toEqual([])
  expect(rss).toBeLessThan(300 * 1024 ** 2)
  measured('2,000 slow clients', {
    rssMiB: rss / 1024 ** 2,
    medianMs: busy.latency.median,
    medianAloneMs: quiet.latency.median,
    p99Ms: busy.latency.p99,
    p99AloneMs: quiet.latency.p99,
    ...verdict,
  })
})

/** Clients of the neighbour that are slow in every way; resolves once they are connected. */
async function startSlowClients(count: number): Promise<ChildProcess> {
  const script = join(import.meta.dirname, '../support/slow-clients.ts')
  const args = [script, String(instance.httpPort), hostOf(neighbour), String(count)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

test('no more open files for the router: nothing crashes, and all is well 5 s after', async () => {
  await stopServe()
  await startServe([app, neighbour], { through: ['prlimit', '--nofile=200:200'] })
  const watch = await watchOver(scene)
  const before = await workers()
  const many = Array.from({ length: 800 }, () =>
    connect({ host: '127.0.0.1', port: instance.httpPort }).on('error', () => undefined),
  )
  await eventually('nobody gets through', 10_000, async () => {
    return !(await Promise.race([answers(), sleep(500, false)]))
  })
  await sleep(2000)
  for (const socket of many) socket.destroy()
  const backMs = await timeUntil('it answers', 5000, answers)
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
  expect(await workers()).toEqual(before)
  measured('file descriptors of the router exhausted', { backMs, ...verdict })
  await stopServe()
  await startServe([app, neighbour])
})

test('routes are served again as they were by a router that starts without Redis', async () => {
  // The table is on disk within two seconds of a change.
  await must(['scale', '-a', app, 'web=2'])
  const watch = await watchOver(scene)
  await eventually('the table is on disk', 10_000, async () => {
    const text = await mustRun('cat', [paths.routerSnapshot])
    return text.includes(hostOf(app)) && text.includes(hostOf(neighbour))
  })
  const redis = await pidOf('redis')
  process.kill(redis, 'SIGSTOP')
  const master = await pidOf('router')
  process.kill(master, 'SIGKILL')
  const killed = performance.now()
  await eventually('another master answers', 30_000, async () => {
    const now = await pidOf('router').catch(() => master)
    return now !== master && !Number.isNaN(now) && (await answers())
  })
  const backMs = performance.now() - killed
  process.kill(redis, 'SIGCONT')
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
  measured('router kill -9 while Redis is away', { backMs, ...verdict })
})

import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectRedis } from '../../src/store/redis.ts'
import { readFile } from 'node:fs/promises'
import { containersOf, docker, inspect, runningContainers } from '../support/docker.ts'
import { get, hostOf, instance, paas, paths, pidOf, probe } from '../support/instance.ts'
import { appName, createLaptop } from '../support/laptop.ts'
import { type LoadReport, startLoad } from '../support/load.ts'
import { eventually, mustRun } from '../support/process.ts'

const app = appName('steady')
const laptop = await createLaptop('steady')
const redis = connectRedis({
  path: paths.redisSocket,
  username: 'controller',
  password: (await readFile(paths.redisControllerPassword, 'utf8')).trim(),
  name: 'e2e',
})
afterAll(async () => {
  redis.disconnect()
  await laptop[Symbol.asyncDispose]()
})
beforeAll(async () => {
  const clone = await laptop.clone(app)
  await clone.deploy()
  await paas(['scale', '-a', app, 'web=2'])
})

const backends = async (): Promise<string[]> => (await redis.lrange(`frontend:${hostOf(app)}`, 1, -1)).sort()
const twoServe = (): Promise<boolean> =>
  containersOf(app).then(async (running) => running.length === 2 && (await backends()).length === 2)
const controllerAnswers = async (): Promise<boolean> => (await paas(['apps:list'])).code === 0

/** Asks all the time while something happens, and until the app is whole again. */
async function underLoad(fault: () => Promise<void>): Promise<LoadReport> {
  const load = startLoad({ port: instance.httpPort, host: hostOf(app), perSecond: 50, connections: 12 })
  try {
    await sleep(300)
    await fault()
  } finally {
    await sleep(300)
  }
  return load.stop()
}

test('a container that is killed is out of the routes within a second, and comes back', async () => {
  await eventually('two serve', 30_000, twoServe)
  const [victim] = await containersOf(app)
  const { State, NetworkSettings } = await inspect<{
    State: { Pid: number }
    NetworkSettings: { Networks: Record<string, { IPAddress: string }> }
  }>(victim!)
  const url = `http://${NetworkSettings.Networks[instance.bridge]!.IPAddress}:5000`
  expect(await backends()).toContain(url)
  process.kill(State.Pid, 'SIGKILL')
  const killed = performance.now()
  await eventually('its route is gone', 5000, async () => !(await backends()).includes(url))
  expect(performance.now() - killed).toBeLessThan(1000)
  expect((await get(hostOf(app), '/facts')).status).toBe(200)
  await eventually('two serve', 20_000, twoServe)
})

test('containers that somebody stops are all started again', async () => {
  await eventually('two serve', 30_000, twoServe)
  await docker('stop', '--time', '0', ...(await containersOf(app)))
  await eventually('two serve', 30_000, twoServe)
  expect((await probe(app)).version).toBe('1')
})

test('a controller that restarts disturbs no request', async () => {
  await eventually('two serve', 30_000, twoServe)
  const report = await underLoad(async () => {
    const before = await pidOf('controller')
    process.kill(before, 'SIGTERM')
    await eventually(
      'another one',
      60_000,
      async () => (await pidOf('controller').catch(() => before)) !== before,
    )
    await eventually('it answers', 20_000, controllerAnswers)
  })
  expect(report.failures).toEqual([])
  expect(await twoServe()).toBe(true)
})

test('without Redis traffic flows and changes are refused at once; it comes back with all it knew', async () => {
  await eventually('two serve', 30_000, twoServe)
  const known = (await paas(['apps:list', '--json'])).stdout
  const routed = await backends()
  const report = await underLoad(async () => {
    process.kill(await pidOf('redis'), 'SIGKILL')
    const refused = await paas(['config:set', '-a', app, 'A=1'])
    if (refused.code !== 0) {
      expect(refused.output).toMatch(/Redis, which holds the state, does not answer/)
      expect(refused.seconds).toBeLessThan(3)
    }
    await eventually('commands work', 60_000, controllerAnswers)
  })
  expect(report.failures).toEqual([])
  expect((await paas(['apps:list', '--json'])).stdout).toBe(known)
  expect(await backends()).toHaveLength(routed.length)
})

test('a router worker that is killed is replaced within a second', async () => {
  await eventually('two serve', 30_000, twoServe)
  const master = await pidOf('router')
  const workers = async (): Promise<string[]> =>
    (await mustRun('pgrep', ['--parent', String(master)])).split('\n').filter(Boolean)
  const [victim, ...others] = await workers()
  process.kill(Number(victim), 'SIGKILL')
  await eventually('as many workers', 1000, async () => (await workers()).length === others.length + 1)
  await eventually('it answers', 2000, async () => {
    for (let i = 0; i < 20; i++) if ((await get(hostOf(app), '/facts')).status !== 200) return false
    return true
  })
})

test('after a restart of the machine every app answers again', { timeout: 240_000 }, async () => {
  await eventually('two serve', 30_000, twoServe)
  // What a power cut leaves: no process of the instance, no running container, the disk as it was.
  for (const name of ['serve', 'router', 'controller', 'sshd', 'redis'] as const) {
    process.kill(await pidOf(name), 'SIGKILL')
  }
  await docker('kill', ...(await runningContainers()))
  const log = openSync(join(paths.log, 'serve.log'), 'a')
  spawn(paths.launcher, ['serve'], { detached: true, stdio: ['ignore', log, log] }).unref()
  const began = performance.now()
  const answers = async (): Promise<boolean> =>
    (await get(hostOf(app), '/facts').catch(() => undefined))?.status === 200
  await eventually('it answers', 60_000, answers)
  console.log(`back ${((performance.now() - began) / 1000).toFixed(1)} s after a restart`)
  await eventually('two serve', 60_000, twoServe)
  expect((await laptop.ssh('apps:list')).stdout).toContain(app)
})

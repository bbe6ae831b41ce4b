import { afterAll, beforeEach, expect, test } from 'vitest'
import { watchOver } from '../faults/checker.ts'
import { serving } from '../faults/containers.ts'
import {
  armFault,
  controllerAnswers,
  controllerIsBack,
  faultHappened,
  killHard,
  timeUntil,
} from '../faults/processes.ts'
import { setScene } from '../faults/scene.ts'
import { startServe } from '../faults/serve.ts'
import { openState } from '../faults/state.ts'
import { containersOf, docker, runningContainers } from '../support/docker.ts'
import { hostOf, paas, pidOf, probe } from '../support/instance.ts'
import { childrenOf } from '../support/proc.ts'
import { eventually } from '../support/process.ts'

/** The faults that happen most, with all that is promised after them; the others: test/faults. */
const scene = await setScene('steady')
const state = await openState()
const { app, clone, neighbour } = scene
afterAll(async () => {
  state[Symbol.dispose]()
  await scene[Symbol.asyncDispose]()
})

/** As many requests as are on the connections of the two loads. */
const onConnections = 16
const backends = async (): Promise<string[]> => (await state.store.routes.get(hostOf(app)))?.backends ?? []
const twoServe = async (): Promise<boolean> =>
  (await containersOf(app)).length === 2 && (await backends()).length === 2
beforeEach(() => eventually('two serve', 30_000, twoServe))

test('a container that is killed is out of the routes within a second, and replaced', async () => {
  const watch = await watchOver(scene)
  const [victim] = await serving(app)
  process.kill(victim!.main, 'SIGKILL')
  const ejectedMs = await timeUntil('it is out', 5000, async () => !(await backends()).includes(victim!.url))
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
  expect(verdict.failures.length).toBeLessThanOrEqual(onConnections)
  expect(ejectedMs).toBeLessThan(1000)
})

test('containers that somebody stops are all started again', async () => {
  const watch = await watchOver(scene)
  await docker('stop', '--time', '0', ...(await containersOf(app)))
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
})

test.each([
  { point: 'check', live: 'old' },
  { point: 'route:switched', live: 'new' },
] as const)(
  'a controller that is killed at $point of a push: no request fails, and exactly the $live release is live',
  async ({ point, live }) => {
    const watch = await watchOver(scene)
    const old = (await probe(app)).version
    const { version, files } = scene.nextVersion()
    await clone.commit(files)
    await armFault(point)
    const pushed = await clone.push()
    await eventually(`it dies at ${point}`, 40_000, async () => faultHappened())
    await controllerIsBack()
    const verdict = await watch.settle({ changed: live === 'new' ? [app] : [], said: [pushed.output] })
    expect(verdict.broken).toEqual([])
    // Of a controller that is back, within five seconds.
    expect(verdict.tidyMs).toBeLessThan(5000)
    expect((await probe(app)).version).toBe(live === 'new' ? version : old)
  },
)

test('without Redis traffic flows and changes are refused at once; it comes back with all it knew', async () => {
  const watch = await watchOver(scene)
  await killHard('redis')
  const refused = await paas(['config:set', '-a', app, 'A=1'])
  // Where its supervisor was quicker, there was nothing to refuse.
  if (refused.code !== 0) {
    expect(refused.output).toMatch(/Redis, which holds the state, does not answer/)
    expect(refused.seconds).toBeLessThan(3)
  }
  await eventually('commands work', 60_000, controllerAnswers)
  if (refused.code === 0) await paas(['config:unset', '-a', app, 'A'])
  const verdict = await watch.settle({ changed: [app], said: [refused.output] })
  expect(verdict.broken).toEqual([])
})

test('a router worker that is killed is replaced within a second, and only what it had is lost', async () => {
  const watch = await watchOver(scene)
  const master = await pidOf('router')
  const [victim, ...others] = await childrenOf(master)
  process.kill(victim!, 'SIGKILL')
  const backMs = await timeUntil('as many workers', 5000, async () => {
    const now = await childrenOf(master)
    return now.length === others.length + 1 && !now.includes(victim!)
  })
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
  expect(verdict.failures.length).toBeLessThanOrEqual(onConnections)
  expect(backMs).toBeLessThan(1000)
})

test('after a restart of the machine every app answers again', { timeout: 240_000 }, async () => {
  const watch = await watchOver(scene)
  // What a power cut leaves: no process of the instance, no running container, the disk as it was.
  for (const name of ['serve', 'router', 'controller', 'sshd', 'redis'] as const) {
    process.kill(await pidOf(name), 'SIGKILL')
  }
  await docker('kill', ...(await runningContainers()))
  const began = performance.now()
  await startServe([app, neighbour])
  console.log(`back ${((performance.now() - began) / 1000).toFixed(1)} s after a restart`)
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
  expect((await scene.laptop.ssh('apps:list')).stdout).toContain(app)
})

import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { type Child, type ChildSpec, keepRunning } from '../../src/serve/child.ts'
import { processes } from '../../src/serve/processes.ts'
import { readAccounts } from '../../src/setup/accounts.ts'
import { readInstance } from '../../src/setup/read-instance.ts'
import { allIsWell, watchOver } from '../faults/checker.ts'
import { measured } from '../faults/measured.ts'
import { controllerAnswers, timeUntil } from '../faults/processes.ts'
import { must, setScene } from '../faults/scene.ts'
import { containersOf } from '../support/docker.ts'
import { get, hostOf, instance, paas, paths } from '../support/instance.ts'
import { machineIn } from '../support/machine.ts'
import { eventually, run, start } from '../support/process.ts'

const machine = machineIn(inject('machine'))
const scene = await setScene('machine')
afterAll(() => scene[Symbol.asyncDispose]())
const { app, neighbour } = scene

const answer = async (name: string): Promise<boolean> =>
  (await get(hostOf(name), '/facts').catch(() => undefined))?.status === 200
const allAnswer = async (): Promise<boolean> => (await answer(app)) && (await answer(neighbour))
beforeEach(allIsWell)

test('dockerd, kill -9, with live-restore: no request fails, and containers are the same', async () => {
  await machine.killDocker()
  await machine.startDocker({ liveRestore: true })
  await allIsWell()
  const before = await containersOf(app)
  const watch = await watchOver(scene)
  await machine.killDocker()
  const refused = await scene.clone.push()
  await sleep(3000)
  const began = performance.now()
  await machine.startDocker({ liveRestore: true })
  const startMs = performance.now() - began
  const reconnectedMs = await timeUntil('the controller reaches it', 30_000, async () => {
    return (await paas(['scale', '-a', app, 'web=2'])).code === 0
  })
  const verdict = await watch.settle({ said: [refused.output] })
  expect(verdict.broken).toEqual([])
  expect(await containersOf(app)).toEqual(before)
  expect(reconnectedMs).toBeLessThan(5000)
  measured('dockerd kill -9 with live-restore', { startMs, reconnectedMs, ...verdict })
})

test('dockerd, kill -9, without live-restore: its start ends all containers, and they are started again', async () => {
  const watch = await watchOver(scene)
  await machine.killDocker()
  const began = performance.now()
  await machine.startDocker()
  const startMs = performance.now() - began
  const answerMs = await timeUntil('every app answers', 60_000, allAnswer)
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
  measured('dockerd kill -9 without live-restore', { startMs, answerMs, ...verdict })
})

describe('the whole machine loses its power', () => {
  const children: Child[] = []

  /** As a system that starts everything at once has it: each by itself, again and again until it stays. */
  async function startInOrder(order: readonly string[]): Promise<void> {
    const settings = (await readInstance(paths))!
    const accounts = await readAccounts()
    const specs = processes(instance.root, settings, paths, { accounts, privateSshd: true })
    for (const name of order) {
      if (name === 'docker') await machine.startDocker()
      else
        children.push(
          keepRunning(insideMachine(specs.find((spec) => spec.name === name)!), pino({ level: 'silent' })),
        )
      await sleep(Math.random() * 1500)
    }
  }

  function insideMachine({ uid, gid, program, args, ...spec }: ChildSpec): ChildSpec {
    const as =
      uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--']
    const [first, ...rest] = [...machine.inside(), ...as, program, ...args]
    return { ...spec, program: first!, args: rest }
  }

  test.each([
    ['router', 'controller', 'docker', 'sshd', 'redis'],
    ['docker', 'redis', 'controller', 'router', 'sshd'],
    shuffled(['docker', 'redis', 'controller', 'router', 'sshd']),
  ])('and starts again in the order %s, %s, %s, %s, %s: every app answers within 60 s', async (...order) => {
    const watch = await watchOver(scene)
    await machine.powerOff()
    await Promise.all(children.splice(0).map((child) => child.stop()))
    await run('ip', ['link', 'delete', instance.bridge])
    const began = performance.now()
    await machine.powerOn()
    await startInOrder(order)
    await eventually('every app answers', 60_000, allAnswer)
    const answerMs = performance.now() - began
    await eventually('the controller answers', 60_000, controllerAnswers)
    const verdict = await watch.settle({ failures: 'some' })
    expect(verdict.broken).toEqual([])
    expect(answerMs).toBeLessThan(60_000)
    measured(`whole machine: ${order.join(', ')}`, { answerMs, ...verdict })
  })

  afterAll(async () => {
    await machine.powerOff()
    await Promise.all(children.splice(0).map((child) => child.stop()))
    await machine.powerOn()
    await machine.startDocker()
    const [program, ...args] = [...machine.inside(), paths.launcher, 'serve']
    start(program, args).child.unref()
    await eventually('the controller answers', 60_000, controllerAnswers)
    await must(['apps:list'])
  })
})

function shuffled(names: string[]): string[] {
  return names
    .map((name) => ({ name, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ name }) => name)
}

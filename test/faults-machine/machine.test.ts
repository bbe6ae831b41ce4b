import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { type Child, type ChildSpec, keepRunning } from '../../src/serve/child.ts'
import { processes } from '../../src/serve/processes.ts'
import { readAccounts } from '../../src/setup/accounts.ts'
import { readInstance } from '../../src/setup/read-instance.ts'
import { allIsWell, watchOver } from '../faults/checker.ts'
import { measured } from '../faults/measured.ts'
import { controllerAnswers, timeUntil } from '../faults/processes.ts'
import { must, setScene } from '../faults/scene.ts'
import { containersOf } from '../support/docker.ts'
import { get, hostOf, instance, paas, paths, probe } from '../support/instance.ts'
import { type Files } from '../support/laptop.ts'
import { machineIn } from '../support/machine.ts'
import { eventually, mustRun, run, start } from '../support/process.ts'

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

describe('the disk of Docker', () => {
  const inside = (...words: string[]): Promise<string> => {
    const [program, ...args] = [...machine.inside(), ...words]
    return mustRun(program!, args)
  }
  const ballast = join(machine.dockerData, 'ballast')
  const freeMiB = async (): Promise<number> =>
    Number((await inside('df', '--output=avail', '--block-size=M', machine.dockerData)).match(/(\d+)M/)![1])
  const freeFiles = async (): Promise<number> =>
    Number((await inside('df', '--output=iavail', machine.dockerData)).match(/\d+/)![0])
  /** Takes all but so much of what is free. */
  async function leave(mebibytes: number): Promise<void> {
    await inside('fallocate', '--length', `${(await freeMiB()) - mebibytes}M`, ballast)
  }
  const room = (): Promise<string> => inside('rm', '--force', ballast, `${ballast}.more`)
  const building = (step: string): Files => ({
    'package.json': JSON.stringify({ type: 'module', scripts: { build: step } }),
  })
  afterEach(room)

  test.each([
    { how: 'fills in a build', left: 1200, files: building('dd if=/dev/urandom of=large bs=1M count=4000') },
    {
      how: 'fills in a step of a Dockerfile that writes without end, after one that is cached',
      left: 1500,
      cached: 101,
      files: {
        Dockerfile:
          'FROM paas/base:trixie\nRUN head -c 100M /dev/urandom > /before\nRUN dd if=/dev/zero of=/large bs=1M\n',
      },
    },
    {
      how: 'has no inodes left for the files of a build',
      left: 3000,
      files: building(`node -e "for (let i = 0; ; i++) require('fs').writeFileSync('f' + i, '')"`),
      says: /less than 50000 inodes \(each file takes one\) are left/,
    },
    {
      how: 'is full all at once in a build',
      left: 1200,
      files: building('sleep 73.1'),
      fill: /^sleep 73\.1$/,
    },
  ] as { how: string; left: number; files: Files; fill?: RegExp; says?: RegExp; cached?: number }[])(
    '$how: the push is refused and says why, and the space is given back',
    async ({ how, left, files: without, fill, says = /less than 1024 MiB are left/, cached = 0 }) => {
      const watch = await watchOver(scene)
      const good = (await scene.clone.git('rev-parse', 'HEAD')).trim()
      await leave(left)
      const [before, filesBefore] = [await freeMiB(), await freeFiles()]
      await scene.clone.commit({ ...scene.nextVersion().files, ...without })
      const push = scene.clone.startPush()
      if (fill !== undefined) {
        await eventually(
          'it builds',
          60_000,
          async () => (await run('pgrep', ['--full', fill.source])).code === 0,
        )
        await inside('fallocate', '--length', `${(await freeMiB()) - 50}M`, `${ballast}.more`)
      }
      const refused = await push.finished
      expect(refused.output).toMatch(/The build was stopped because it fills the disk/)
      expect(refused.output).toMatch(says)
      expect(refused.code).not.toBe(0)
      // While it is full nothing is built, and what runs goes on.
      if (fill !== undefined) {
        const again = await scene.clone.push()
        expect(again.output).toMatch(/Only \d+ MiB are free on the disk/)
        expect(await answer(app)).toBe(true)
        await inside('rm', `${ballast}.more`)
      }
      const givenBackMs = await timeUntil(
        'the space is given back',
        60_000,
        async () => (await freeMiB()) > before - cached - 20 && (await freeFiles()) > filesBefore - 1000,
      )
      await room()
      const verdict = await watch.settle({ said: [refused.output] })
      expect(verdict.broken).toEqual([])

      await scene.clone.git('reset', '--quiet', '--hard', good)
      const { version, files } = scene.nextVersion()
      await scene.clone.deploy(files)
      expect((await probe(app)).version).toBe(version)
      measured(`the disk of Docker ${how}`, { givenBackMs, ...verdict })
    },
  )

  test('has little room: what builds have cached is given up for the next one', async () => {
    const good = (await scene.clone.git('rev-parse', 'HEAD')).trim()
    await scene.clone.commit({
      Dockerfile: 'FROM paas/base:trixie\nRUN head -c 400M /dev/urandom > /cached\nRUN exit 7\n',
    })
    expect((await scene.clone.push()).output).toMatch(/exit code: 7/)
    await scene.clone.git('reset', '--quiet', '--hard', good)
    // What was used within the last minute may be another build's.
    await sleep(61_000)
    await leave(800)
    const { version, files } = scene.nextVersion()
    const { stderr } = await scene.clone.deploy(files)
    expect(stderr).toMatch(/The disk is nearly full, so what builds have cached is given up/)
    expect((await probe(app)).version).toBe(version)
    expect(await freeMiB()).toBeGreaterThan(1024)
  })
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

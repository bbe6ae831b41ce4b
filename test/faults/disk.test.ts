import { randomBytes } from 'node:crypto'
import { rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { instance, paas, paths, probe } from '../support/instance.ts'
import { eventually, mustRun, run } from '../support/process.ts'
import { watchOver } from './checker.ts'
import { measured } from './measured.ts'
import { controllerAnswers, timeUntil } from './processes.ts'
import { must, setScene } from './scene.ts'
import { startServe, stopServe } from './serve.ts'

const scene = await setScene('full')
const { app, clone, neighbour } = scene
const image = join(instance.root, 'state.img')
const whole = `${paths.lib}.before`
const ballast = join(paths.lib, 'ballast')

/** The state moves to a small disk of its own. */
beforeAll(async () => {
  await stopServe()
  await writeFile(image, '')
  await truncate(image, 96 * 1024 ** 2)
  await mustRun('mkfs.ext4', ['-q', '-m', '0', image])
  await mustRun('mv', [paths.lib, whole])
  await mustRun('mkdir', ['--mode=755', paths.lib])
  await mustRun('mount', ['-o', 'loop', image, paths.lib])
  await mustRun('cp', ['--archive', `${whole}/.`, paths.lib])
  await startServe([app, neighbour])
})
afterAll(async () => {
  await stopServe()
  await rm(ballast, { force: true })
  await mustRun('cp', ['--archive', `${paths.lib}/.`, `${whole}.after`]).catch(() => undefined)
  await mustRun('umount', [paths.lib])
  await mustRun('rmdir', [paths.lib])
  await mustRun('mv', [`${whole}.after`, paths.lib])
  await rm(whole, { recursive: true })
  await rm(image)
  await startServe([app, neighbour])
  await scene[Symbol.asyncDispose]()
})

/** Writes until nothing more fits. */
const fill = (): Promise<unknown> => run('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k', 'status=none'])
const free = (): Promise<void> => rm(ballast, { force: true })
const change = (value: string): ReturnType<typeof paas> =>
  paas(['config:set', '-a', app, '--no-restart', `AT=${value}`])

test('the disk of the state is full: requests do not notice, changes are refused, and all acknowledged is there', async () => {
  const watch = await watchOver(scene)
  await fill()
  const answers: Awaited<ReturnType<typeof paas>>[] = []
  // Redis has some room in the block that it writes in.
  await eventually('a change is refused', 60_000, async () => {
    answers.push(await change(randomBytes(2000).toString('hex')))
    return answers.at(-1)!.code !== 0
  })
  const refused = answers.at(-1)!
  expect(refused.output).toMatch(/nothing was changed|disk is full|no space/i)
  expect(refused.seconds).toBeLessThan(2.5)
  expect((await probe(app)).version).toBe(`${app} 0`)
  const doctor = await paas(['doctor'])
  expect(doctor.output).toMatch(/!!.*disk/)
  await free()
  const backMs = await timeUntil('commands work', 60_000, controllerAnswers)
  const recoveredMs = await timeUntil(
    'a change is taken',
    20_000,
    async () => (await change('last')).code === 0,
  )
  await must(['config:unset', '-a', app, '--no-restart', 'AT'])
  const verdict = await watch.settle({ said: answers.map(({ output }) => output) })
  expect(verdict.broken).toEqual([])
  measured('state disk full', { refusedMs: refused.seconds * 1000, backMs, recoveredMs, ...verdict })
})

test('the disk is full in a push: it is refused, nothing of it stays, and the next one works', async () => {
  const watch = await watchOver(scene)
  const { version, files } = scene.nextVersion()
  await clone.commit({ ...files, 'large.bin': randomBytes(40 * 1024 ** 2).toString('latin1') })
  // There is room for the commit, and not for its sources beside it.
  const pushed = await clone.push()
  expect(pushed.code).not.toBe(0)
  expect(pushed.output).toMatch(/no space|disk is full|ENOSPC/i)
  const refused = await watch.settle({ said: [pushed.output] })
  expect(refused.broken).toEqual([])
  await clone.commit({ 'large.bin': null })
  await clone.git('reset', '--quiet', '--soft', 'HEAD~2')
  await clone.deploy()
  expect((await probe(app)).version).toBe(version)
  measured('disk full in a push', refused)
})

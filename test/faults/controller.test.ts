import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { messageOf } from '../../src/errors/paas-error.ts'
import { paas, probe } from '../support/instance.ts'
import { appName, type Clone } from '../support/laptop.ts'
import { watchOver } from './checker.ts'
import { differences } from './leftovers.ts'
import { measured } from './measured.ts'
import { armFault, controllerIsBack, faultHappened, forgetCrashes, killHard, timeUntil } from './processes.ts'
import { setScene } from './scene.ts'
import { openState } from './state.ts'

const scene = await setScene('killed')
afterAll(() => scene[Symbol.asyncDispose]())
const { app, clone } = scene
beforeEach(forgetCrashes)

/** Milliseconds until the engine and the disk are what the state names. */
async function untilReconciled(): Promise<number> {
  using state = await openState()
  return await timeUntil('all is as it should be', 60_000, async () => {
    // What goes between two looks at it cannot be looked at: then there is a difference still.
    const found = await state
      .known()
      .then(differences)
      .catch((error: unknown) => [messageOf(error)])
    return found.length === 0
  })
}

test('the controller: requests do not notice, and it has reconciled 5 s after its return', async () => {
  const watch = await watchOver(scene)
  const killed = await killHard('controller')
  const back = await controllerIsBack()
  const reconciledMs = await untilReconciled()
  const verdict = await watch.settle()
  expect(verdict.broken).toEqual([])
  expect(reconciledMs).toBeLessThan(5000)
  measured('controller kill -9', { backMs: back - killed, reconciledMs, ...verdict })
})

/** Where the controller dies, by the name, and what is live afterwards. Before the switch: the old release. */
const points = [
  { stage: 'receive', point: 'receive', live: 'old' },
  { stage: 'build', point: 'build', live: 'old' },
  { stage: 'build, in its middle', point: 'build:line', live: 'old' },
  { stage: 'tag', point: 'image:built', live: 'old' },
  { stage: 'release', point: 'release', live: 'old' },
  { stage: 'release, stored', point: 'release:created', live: 'old' },
  { stage: 'create', point: 'create', live: 'old' },
  { stage: 'start', point: 'container:started', live: 'old' },
  { stage: 'check', point: 'check', live: 'old' },
  { stage: 'check, half passed', point: 'check:passed', live: 'old' },
  { stage: 'switch', point: 'switch', live: 'old' },
  { stage: 'record', point: 'acknowledge', live: 'new' },
  { stage: 'switched', point: 'route:switched', live: 'new' },
  { stage: 'drain', point: 'drain', live: 'new' },
  { stage: 'retire', point: 'retire', live: 'new' },
  { stage: 'done', point: 'done', live: 'new' },
] as const

/** Pushes, and the controller dies at this point. */
async function pushInto(point: string, into: Clone): Promise<{ code: number | null; output: string }> {
  await armFault(point)
  const pushed = await into.push()
  // What is retired, is so after the push has been answered.
  await timeUntil(`the controller dies at ${point}`, 40_000, async () => faultHappened())
  return pushed
}

describe('the controller in a push', () => {
  test.each(points)(
    'at $stage: exactly the $live release is live, and the next push works',
    async ({ point, live, stage }) => {
      const watch = await watchOver(scene)
      const old = (await probe(app)).version
      const next = scene.nextVersion()
      await clone.commit(next.files)
      const pushed = await pushInto(point, clone)
      await controllerIsBack()
      const reconciledMs = await untilReconciled()
      const verdict = await watch.settle({ changed: live === 'new' ? [app] : [], said: [pushed.output] })
      expect(verdict.broken).toEqual([])
      expect(reconciledMs).toBeLessThan(5000)
      expect((await probe(app)).version).toBe(live === 'new' ? next.version : old)
      if (live === 'old') expect(pushed.code).not.toBe(0)

      const after = scene.nextVersion()
      const deployed = await clone.deploy(after.files)
      expect(deployed.output).not.toMatch(/Waiting/)
      expect((await probe(app)).version).toBe(after.version)
      measured(`controller kill -9 at ${stage}`, { reconciledMs, ...verdict })
    },
  )
})

describe('the controller in the first push of an app', () => {
  test.each(['build:line', 'release', 'container:started', 'switch'])(
    'at %s: nothing is live and nothing is left, and the next push works',
    async (point) => {
      const watch = await watchOver(scene)
      const name = appName('first')
      const first = await scene.laptop.clone(name)
      expect((await pushInto(point, first)).code).not.toBe(0)
      await controllerIsBack()
      const verdict = await watch.settle()
      expect(verdict.broken).toEqual([])
      await first.deploy({ 'version.js': `export const version = '${name} 1'\n` })
      expect((await probe(name)).version).toBe(`${name} 1`)
    },
  )
})

describe('the controller in another change', () => {
  test.each([
    { what: 'config', args: ['config:set', '-a', app, 'GREETING=hello'], live: 'old' },
    { what: 'a rollback', args: ['rollback', '-a', app], live: 'old' },
    { what: 'a restart', args: ['ps:restart', '-a', app], live: 'old' },
  ])('of $what, before the switch: nothing has changed', async ({ args }) => {
    const watch = await watchOver(scene)
    const before = await probe(app)
    await armFault('container:started')
    const changed = await paas(args)
    expect(changed.code).not.toBe(0)
    expect(faultHappened()).toBe(true)
    await controllerIsBack()
    const verdict = await watch.settle({ said: [changed.output] })
    expect(verdict.broken).toEqual([])
    expect((await probe(app)).release).toBe(before.release)
    expect((await paas(args)).code).toBe(0)
  })

  test('of the scale: it is as it was, or as it was asked for', async () => {
    const watch = await watchOver(scene)
    await armFault('container:started')
    expect((await paas(['scale', '-a', app, 'web=3'])).code).not.toBe(0)
    await controllerIsBack()
    expect((await watch.settle()).broken).toEqual([])
    expect((await paas(['scale', '-a', app, 'web=2'])).code).toBe(0)
  })
})

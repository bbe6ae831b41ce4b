import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { containersOf } from '../support/docker.ts'
import { hostOf, instance, paas, probe } from '../support/instance.ts'
import { type Clone } from '../support/laptop.ts'
import { eventually } from '../support/process.ts'
import { allIsWell, watchOver } from './checker.ts'
import { isEjected, nobodyWaits, serving } from './containers.ts'
import { measured } from './measured.ts'
import { timeUntil } from './processes.ts'
import { must, setScene } from './scene.ts'
import { openState } from './state.ts'

const scene = await setScene('faulty')
const state = await openState()
const { app, clone } = scene
afterAll(async () => {
  state[Symbol.dispose]()
  await scene[Symbol.asyncDispose]()
})
const server = await readFile(join(import.meta.dirname, '../apps/probe/server.js'), 'utf8')

const backends = async (): Promise<string[]> => (await state.store.routes.get(hostOf(app)))?.backends ?? []
beforeEach(allIsWell)

/** Requests that were being answered by what died are lost; nothing is asked of it any more after that. */
const inFlight = 8

test('a container that crashes: out of the routes within a second, and replaced', async () => {
  const watch = await watchOver(scene)
  const [victim] = await serving(app)
  expect(await backends()).toContain(victim!.url)
  process.kill(victim!.main, 'SIGKILL')
  const ejectedMs = await timeUntil(
    'its route is gone',
    5000,
    async () => !(await backends()).includes(victim!.url),
  )
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
  expect(verdict.failures.length).toBeLessThanOrEqual(inFlight)
  expect(ejectedMs).toBeLessThan(1000)
  measured('container crash (kill -9)', { ejectedMs, ...verdict })
})

test('a container that runs out of memory: as a crash, and the reason is told within two seconds', async () => {
  const watch = await watchOver(scene)
  const before = await serving(app)
  // The one that answers this dies of it; a post is not asked of another one then.
  const host = { host: '127.0.0.1', port: instance.httpPort, headers: { host: hostOf(app) } }
  const asked = request({ ...host, path: '/hoard', method: 'POST', agent: false }, (answer) =>
    answer.resume(),
  )
  asked.on('error', () => undefined).end()
  const died = await eventually('one has died', 30_000, async () => {
    const now = await backends()
    return before.find(({ url }) => !now.includes(url))
  })
  const toldMs = await timeUntil('the reason is told', 5000, async () => {
    const { stdout } = await paas(['logs', '-a', app, '-n', '100'])
    return /memory/i.test(stdout)
  })
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
  expect(verdict.failures.length).toBeLessThanOrEqual(2 * inFlight)
  expect(toldMs).toBeLessThan(2000)
  expect((await containersOf(app)).includes(died.id)).toBe(true)
  measured('container out of memory', { toldMs, ...verdict })
})

test('a container that hangs (SIGSTOP): nobody waits for it after 15 s, and it is used again when it goes on', async () => {
  const watch = await watchOver(scene)
  const [victim] = await serving(app)
  process.kill(victim!.main, 'SIGSTOP')
  const stopped = performance.now()
  await eventually('it is taken out', 30_000, () => isEjected(victim!))
  const ejectedMs = performance.now() - stopped
  // Every worker of the router finds out by itself.
  await eventually('nobody waits', 15_000, () => nobodyWaits(app))
  const nobodyWaitsMs = performance.now() - stopped
  process.kill(victim!.main, 'SIGCONT')
  const backMs = await timeUntil('it is asked again', 20_000, async () => !(await isEjected(victim!)))
  const verdict = await watch.settle({ failures: 'some' })
  expect(verdict.broken).toEqual([])
  expect(nobodyWaitsMs).toBeLessThan(15_000)
  expect((await serving(app)).map(({ id }) => id)).toContain(victim!.id)
  measured('container hangs (SIGSTOP)', { ejectedMs, nobodyWaitsMs, backMs, ...verdict })
})

/** A version of the probe app with something else in its server. */
async function deployWith(into: Clone, change: (text: string) => string, more: Record<string, string> = {}) {
  const { version, files } = scene.nextVersion()
  const pushed = await into.deploy({ ...files, ...more, 'server.js': change(server) })
  expect((await probe(app)).version).toBe(version)
  return pushed
}

test('a release that starts slowly: the old one serves until it does', async () => {
  const watch = await watchOver(scene)
  const slowly = `await setTimeout(10_000)\nserver.listen`
  const pushed = await deployWith(clone, (text) => text.replace('server.listen', slowly))
  const verdict = await watch.settle({ changed: [app], said: [pushed.output] })
  expect(verdict.broken).toEqual([])
  expect(pushed.seconds).toBeGreaterThan(10)
  measured('slow start (10 s)', { pushMs: pushed.seconds * 1000, ...verdict })
})

test('a check that flaps: neither a release nor what runs is given up for it', async () => {
  const watch = await watchOver(scene)
  const flapping = `let asked = 0\nconst answers = {\n  '/flap': (_, __, response) => {\n    response.statusCode = asked++ % 2 === 0 ? 500 : 200\n    return 'so so'\n  },`
  // One that was asked and did not answer in time has flapped too, so there is time.
  const check = { path: '/flap', attempts: 3, wait: 0.3, timeout: 5 }
  const pushed = await deployWith(
    clone,
    (text) =>
      text
        .replace('const answers = {', flapping)
        .replace('await answer(url, request)', 'await answer(url, request, response)'),
    { 'app.json': JSON.stringify({ healthchecks: { web: [check, { ...check, type: 'liveness' }] } }) },
  )
  await eventually('only the new ones are left', 40_000, async () => (await containersOf(app)).length === 2)
  const before = await containersOf(app)
  await sleep(10_000)
  const verdict = await watch.settle({ changed: [app], said: [pushed.output] })
  expect(verdict.broken).toEqual([])
  expect(await containersOf(app)).toEqual(before)
  measured('flapping check, 10 s of liveness', verdict)
  await must(['checks:set', '-a', app, 'web', '--skip'])
})

import { afterAll, expect, test } from 'vitest'
import { type Files } from '../support/laptop.ts'
import { probe } from '../support/instance.ts'
import { eventually, run } from '../support/process.ts'
import { watchOver } from './checker.ts'
import { measured } from './measured.ts'
import { timeUntil } from './processes.ts'
import { setScene } from './scene.ts'

const scene = await setScene('pushed')
afterAll(() => scene[Symbol.asyncDispose]())
const { app, clone } = scene

const sleeps = (seconds: string): Files => ({
  'package.json': JSON.stringify({ type: 'module', scripts: { build: `sleep ${seconds}` } }),
})
const isRunning = async (seconds: string): Promise<boolean> =>
  (await run('pgrep', ['--full', `^sleep ${seconds}$`])).code === 0

test.each([
  { how: 'interrupted (Ctrl-C)', signal: 'SIGINT', seconds: '71.1' },
  { how: 'gone (kill -9 of git and ssh)', signal: 'SIGKILL', seconds: '71.2' },
] as const)(
  'a push whose client is $how: its build ends within seconds, and the old release serves',
  async ({ how, signal, seconds }) => {
    const watch = await watchOver(scene)
    const before = await probe(app)
    const good = (await clone.git('rev-parse', 'HEAD')).trim()
    await clone.commit({ ...scene.nextVersion().files, ...sleeps(seconds) })
    const push = clone.startPush()
    await eventually('it builds', 60_000, () => isRunning(seconds))
    process.kill(-push.child.pid!, signal)
    const { code, output } = await push.finished
    expect(code).not.toBe(0)
    const endedMs = await timeUntil('the build has ended', 5000, async () => !(await isRunning(seconds)))
    const verdict = await watch.settle({ said: [output] })
    expect(verdict.broken).toEqual([])
    expect((await probe(app)).release).toBe(before.release)

    await clone.git('reset', '--quiet', '--hard', good)
    const { version, files } = scene.nextVersion()
    const next = await clone.deploy(files)
    expect(next.output).not.toMatch(/Waiting/)
    expect((await probe(app)).version).toBe(version)
    measured(`push client ${how}`, { endedMs, ...verdict })
  },
)

test('two pushes of one app: the second waits, is told for whom, and is live in the end', async () => {
  const watch = await watchOver(scene)
  const first = scene.nextVersion()
  await clone.commit({ ...first.files, Procfile: 'web: node server.js\nrelease: sleep 3\n' })
  const one = clone.startPush()
  await one.shows(/Running the release task/)
  const second = scene.nextVersion()
  await clone.commit({ ...second.files, Procfile: 'web: node server.js\n' })
  const two = clone.startPush()
  await two.shows(new RegExp(`Waiting for a push of ${scene.laptop.name}`))
  const [a, b] = await Promise.all([one.finished, two.finished])
  expect([a.code, b.code]).toEqual([0, 0])
  const verdict = await watch.settle({ changed: [app], said: [a.output, b.output] })
  expect(verdict.broken).toEqual([])
  expect((await probe(app)).version).toBe(second.version)
  measured('two pushes of one app', verdict)
})

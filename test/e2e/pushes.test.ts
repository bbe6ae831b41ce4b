import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { containersOf } from '../support/docker.ts'
import { paas, paasJson, pidOf, probe } from '../support/instance.ts'
import { appName, type Clone, createLaptop, type Files } from '../support/laptop.ts'
import { traces } from '../support/leftovers.ts'
import { eventually, run } from '../support/process.ts'

const ann = await createLaptop('ann')
const bob = await createLaptop('bob')
afterAll(async () => {
  await ann[Symbol.asyncDispose]()
  await bob[Symbol.asyncDispose]()
})

const version = (name: string): Files => ({ 'version.js': `export const version = '${name}'\n` })
/** A build, and a release task, that can be seen among the processes of the machine. */
const slow = (seconds: string): string => `echo working && sleep ${seconds}`
const slowBuild = (seconds: string): Files => ({
  'package.json': JSON.stringify({ type: 'module', scripts: { build: slow(seconds) } }),
})
const slowRelease = (seconds: string): Files => ({
  Procfile: `web: node server.js\nrelease: ${slow(seconds)}\n`,
})
const isRunning = async (command: string): Promise<boolean> =>
  (await run('pgrep', ['--full', `^${command}$`])).code === 0

/** What was retired goes in the background. */
async function settled(app: string): Promise<unknown> {
  const all = { all: true }
  await eventually('one container is left', 35_000, async () => (await containersOf(app, all)).length === 1)
  return traces()
}

describe('two at once', () => {
  test('of one app: the second waits, is told for whom, and is refused by git if it knows less', async () => {
    const app = appName('shared')
    const mine = await ann.clone(app)
    await mine.deploy()
    const theirs = await bob.clone(app)
    await theirs.git('fetch', '--quiet', 'paas')
    await theirs.git('reset', '--quiet', '--hard', 'paas/main')

    await mine.commit({ ...version('ann'), ...slowRelease('2') })
    await theirs.commit(version('bob'))
    const first = mine.startPush()
    await first.shows(/Running the release task/)
    const second = theirs.startPush()
    await second.shows(new RegExp(`Waiting for a push of ${ann.name}`))
    expect((await first.finished).code).toBe(0)

    const refused = await second.finished
    expect(refused.code).not.toBe(0)
    expect(refused.output).toMatch(/rejected.*fetch first/)
    expect(refused.output).not.toMatch(/Building/)
    expect((await probe(app)).version).toBe('ann')

    await theirs.git('pull', '--quiet', '--rebase', '-X', 'theirs', 'paas', 'main')
    await theirs.deploy(version('bob, later'))
    expect((await probe(app)).version).toBe('bob, later')
  })

  test('of two apps: neither waits', async () => {
    const [one, two] = [await ann.clone(appName('one')), await bob.clone(appName('two'))]
    await Promise.all([one.commit(slowRelease('3')), two.commit(slowRelease('3'))])
    const pushes = [one.startPush(), two.startPush()]
    const began = performance.now()
    await Promise.all(pushes.map((push) => push.shows(/Running the release task/)))
    expect(performance.now() - began).toBeLessThan(25_000)
    for (const { code } of await Promise.all(pushes.map(({ finished }) => finished))) expect(code).toBe(0)
    expect((await probe(one.app)).version).toBe('1')
    expect((await probe(two.app)).version).toBe('1')
  })

  test('of a push and a command: the command waits, and is told for whom', async () => {
    const clone = await ann.clone(appName('busy'), { files: slowRelease('2') })
    const push = clone.startPush()
    await push.shows(/Running the release task/)
    const scaled = await paas(['scale', '-a', clone.app, 'web=2'])
    expect(scaled.output).toMatch(new RegExp(`Waiting for push by ${ann.name}`))
    expect(scaled.code).toBe(0)
    expect((await push.finished).code).toBe(0)
    await eventually(
      'two containers are left',
      35_000,
      async () => (await containersOf(clone.app)).length === 2,
    )
  })
})

describe('a push that is given up', () => {
  let clone: Clone
  beforeAll(async () => {
    clone = await ann.clone(appName('given-up'))
    await clone.deploy()
  })

  test.each([
    {
      how: 'Ctrl-C in the middle of a build',
      signal: 'SIGINT',
      files: slowBuild('61.1'),
      sleeps: 'sleep 61.1',
    },
    { how: 'Ctrl-C in a release task', signal: 'SIGINT', files: slowRelease('61.2'), sleeps: 'sleep 61.2' },
    { how: 'kill -9 of git and ssh', signal: 'SIGKILL', files: slowBuild('61.3'), sleeps: 'sleep 61.3' },
  ] as const)(
    'by $how changes nothing and frees the queue within seconds',
    async ({ signal, files, sleeps }) => {
      const before = await settled(clone.app)
      const live = await probe(clone.app)
      const good = (await clone.git('rev-parse', 'HEAD')).trim()
      await clone.commit(files)
      const push = clone.startPush()
      await eventually(`"${sleeps}" runs`, 30_000, () => isRunning(sleeps))
      // As a terminal does it: to git and its ssh alike.
      process.kill(-push.child.pid!, signal)
      expect((await push.finished).code).not.toBe(0)

      await eventually(`"${sleeps}" has ended`, 5000, async () => !(await isRunning(sleeps)))
      await expect.poll(traces, { timeout: 5000 }).toEqual(before)
      expect(await probe(clone.app)).toEqual(live)
      await clone.git('reset', '--quiet', '--hard', good)
      const next = await clone.deploy(version(`after ${sleeps}`))
      expect(next.output).not.toMatch(/Waiting/)
      expect((await probe(clone.app)).version).toBe(`after ${sleeps}`)
    },
  )
})

describe('a controller that is killed in a deploy', () => {
  let clone: Clone
  beforeAll(async () => {
    clone = await ann.clone(appName('killed'))
    await clone.deploy()
  })

  test.each([
    { stage: 'build', files: slowBuild('62.1'), shows: /working/ },
    {
      stage: 'release task',
      files: slowRelease('62.2'),
      shows: /release: .*working|Running the release task/,
    },
    {
      stage: 'check',
      files: {
        'app.json': JSON.stringify({
          healthchecks: { web: [{ type: 'startup', path: '/facts', uptime: 20 }] },
        }),
      },
      shows: /Started \S+web\.1/,
    },
  ])('at its $stage leaves exactly the old release, and the next push works', async ({ files, shows }) => {
    const before = await settled(clone.app)
    const live = await probe(clone.app)
    const good = (await clone.git('rev-parse', 'HEAD')).trim()
    await clone.commit(files)
    const push = clone.startPush()
    await push.shows(shows)
    const killed = await pidOf('controller')
    process.kill(killed, 'SIGKILL')
    expect((await push.finished).code).not.toBe(0)
    // Apps go on without it.
    expect(await probe(clone.app)).toEqual(live)
    await eventually('the controller is back', 40_000, async () => (await paas(['apps:list'])).code === 0)
    // What the engine was doing for the one that was killed may come to light only at the next look at all.
    await expect.poll(traces, { timeout: 60_000 }).toEqual(before)
    expect(await probe(clone.app)).toEqual(live)
    const releases = await paasJson<{ status: string }[]>('releases:list', '-a', clone.app)
    expect(releases.filter(({ status }) => status === 'pending')).toEqual([])

    await clone.git('reset', '--quiet', '--hard', good)
    await clone.deploy(version(`after ${killed}`))
    expect((await probe(clone.app)).version).toBe(`after ${killed}`)
  })
})

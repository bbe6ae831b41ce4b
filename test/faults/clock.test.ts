import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { paas, paasJson, pidOf, probe } from '../support/instance.ts'
import { eventually, mustRun } from '../support/process.ts'
import { allIsWell, watchOver } from './checker.ts'
import { serving } from './containers.ts'
import { measured } from './measured.ts'
import { must, setScene } from './scene.ts'
import { startServe, stopServe } from './serve.ts'

const scene = await setScene('timed')
const { app, clone, neighbour } = scene
const folder = await mkdtemp(join(tmpdir(), 'paas-clock-'))
/** What the controller and the router read their clock's error from, once a second. */
const clock = join(folder, 'offset')

/** `20261128-15` of `…/20261128-150149-asked.state`. */
const hoursOf = (backups: { file: string }[]): string[] =>
  backups.map(({ file }) => basename(file).slice(0, '20261128-15'.length))

/** Debian's libfaketime, unpacked beside the system. */
async function faketime(): Promise<string> {
  const apt = ['-o', `Dir::Cache::archives=${folder}`, '-o', 'APT::Sandbox::User=root']
  await mustRun('mkdir', [join(folder, 'partial')])
  await mustRun('apt-get', ['install', '--yes', '--download-only', '--reinstall', ...apt, 'libfaketime'])
  await mustRun('sh', ['-c', `dpkg --extract ${folder}/libfaketime_*.deb ${folder}`])
  return (await mustRun('find', [folder, '-name', 'libfaketime.so.1'])).trim()
}

/** Redis brings an allocator that libfaketime does not get on with, and sshd's sandbox does not let it read a file. */
async function withTrueClock(program: string): Promise<string> {
  const [real, wrapper] = [join(folder, basename(program)), join(folder, `${basename(program)}.sh`)]
  await mustRun('cp', [program, real])
  await writeFile(wrapper, `#!/bin/sh\nunset LD_PRELOAD\nexec ${real} "$@"\n`, { mode: 0o755 })
  return `mount --bind ${wrapper} ${program}`
}

beforeAll(async () => {
  await writeFile(clock, '+0')
  await mustRun('chmod', ['755', folder])
  const binds = await Promise.all(['/usr/bin/redis-server', '/usr/sbin/sshd'].map(withTrueClock))
  const through = ['unshare', '--mount', '/bin/sh', '-c', `${binds.join(' && ')} && exec "$0" "$@"`]
  const env = {
    LD_PRELOAD: await faketime(),
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DISABLE_SHM: '1',
  }
  await stopServe()
  await startServe([app, neighbour], { through, env })
  const tick = { name: 'tick', command: 'echo ticked', schedule: '*/10 * * * * *' }
  await clone.deploy({ 'app.json': JSON.stringify({ cron: [tick] }) })
  await must(['cron:pause', '-a', app, 'tick'])
})
afterAll(async () => {
  await stopServe()
  await startServe([app, neighbour])
  await rm(folder, { recursive: true })
  await scene[Symbol.asyncDispose]()
})
beforeEach(allIsWell)

const ticks = async (): Promise<number> =>
  (await must(['cron:logs', '-a', app, 'tick', '-n', '1000']))
    .split('\n')
    .filter((line) => /ticked$/.test(line)).length
const processes = (): Promise<number[]> =>
  Promise.all((['controller', 'router', 'redis'] as const).map(pidOf))

test.each([
  { how: 'a day forwards', offset: '+1d', days: 1 },
  { how: 'a day back', offset: '+0', days: 0 },
  { how: 'one more day back', offset: '-1d', days: -1 },
  { how: 'a day forwards, and is right again', offset: '+0', days: 0 },
])(
  'the clock goes $how: nothing is disturbed, cron goes on by it, and no backup is lost',
  async ({ how, offset, days }) => {
    const [running, ran] = [await processes(), await ticks()]
    const backups = await paasJson<{ file: string }[]>('server:backups')
    const watch = await watchOver(scene)
    await writeFile(clock, offset)
    await must(['cron:resume', '-a', app, 'tick'])
    const jumped = performance.now()
    await sleep(1500)

    // What dies is seen to at once.
    const [victim] = await serving(app)
    process.kill(victim!.main, 'SIGKILL')
    await eventually('two serve', 15_000, async () => {
      const now = await serving(app).catch(() => [])
      return now.length === 2 && now.every(({ main }) => main !== victim!.main)
    })

    // What is new is the newest, whatever the clock says.
    const { version, files } = scene.nextVersion()
    const pushed = await clone.deploy(files)
    expect((await probe(app)).version).toBe(version)
    const [newest] = await paasJson<{ version: number; createdAt: string; status: string }[]>(
      'releases:list',
      ...['-a', app],
    )
    const error = Date.parse(newest!.createdAt) - Date.now()
    expect(Math.abs(error - days * 86_400_000)).toBeLessThan(60_000)
    expect(newest!.status).toBe('active')
    const told = await must(['logs', '-a', app, '-t', 'deploy', '-n', '15'])
    expect(told).toContain(`v${newest!.version}`)
    // Their times are the engine's, whose clock is right.
    const web = await must(['logs', '-a', app, '-t', 'web', '-n', '30'])
    expect(web).toContain(`probe ${version} listens`)

    const made = await paas(['server:backups:create'])
    expect(made.code, made.output).toBe(0)
    const kept = await paasJson<{ file: string }[]>('server:backups')
    // Of those of one hour the newest stays.
    expect(hoursOf(kept)).toEqual(expect.arrayContaining(hoursOf(backups)))
    expect(kept.map(({ file }) => file)).toContain(made.stdout.split(',')[0])

    // Neither a run for each time that was passed over, nor none until the time of before comes again.
    await eventually('cron runs', 40_000, async () => (await ticks()) >= ran + 2)
    const runs = (await ticks()) - ran
    expect(runs).toBeLessThanOrEqual((performance.now() - jumped) / 10_000 + 2)
    await must(['cron:pause', '-a', app, 'tick'])

    const verdict = await watch.settle({ changed: [app], failures: 'some', said: [pushed.output] })
    expect(verdict.broken).toEqual([])
    expect(verdict.failures.length).toBeLessThanOrEqual(8)
    expect(await processes()).toEqual(running)
    measured(`the clock goes ${how}`, { runs, ...verdict })
  },
)

import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App } from '../../../src/model/app.ts'
import { ProcessType } from '../../../src/model/names.ts'
import { eventually, run } from '../../support/process.ts'
import { startRig, type Rig, webCommand } from './rig.ts'

const web = ProcessType.parse('web')
const worker = ProcessType.parse('worker')
let rig: Rig
let app: App
beforeAll(async () => {
  rig = await startRig()
  app = await rig.app('blog')
}, 120_000)
afterAll(() => rig[Symbol.asyncDispose]())

type Row = { name: string; state: string; memoryBytes: number | null; cpu: number | null; givenUp: boolean }
const ps = (): Promise<Row[]> => rig.json('ps', '-a', 'blog')
const up = async (): Promise<string[]> =>
  (await ps()).filter(({ state }) => state === 'up').map(({ name }) => name)

/** What the app's first backend answers; the routes are what a router would go by. */
async function answer(): Promise<string> {
  const [backend] = (await rig.store.routes.get('blog.daily.test'))!.backends
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  request(backend!, (response) => {
    let body = ''
    response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    response.once('end', () => resolve(body))
  })
    .once('error', reject)
    .end()
  return promise
}

describe('config', () => {
  test('comes from stdin to the byte, and several values are one release', async () => {
    const before = (await rig.json<{ release: { version: number } }>('apps:info', '-a', 'blog')).release
      .version
    const input = 'line 1\nit\'s "quoted" ✓'
    const { code, output } = await rig.paas(['config:set', '-a', 'blog', 'A=@-', 'B=@@home', 'C='], { input })
    expect(code, output).toBe(0)
    expect(await answer()).toBe(`web.1 ${input}`)
    expect((await rig.paas(['config:get', '-a', 'blog', 'B'])).stdout).toBe('@home\n')
    const { release } = await rig.json<{ release: { version: number } }>('apps:info', '-a', 'blog')
    expect(release.version).toBe(before + 1)
    expect((await rig.paas(['config:set', '-a', 'blog', 'X=@-', 'Y=@-'], { input: '' })).code).toBe(2)
  })

  test('is exported and imported, and edited only where there is a terminal', async () => {
    const { stdout } = await rig.paas(['config:export', '-a', 'blog', '--format', 'json'])
    expect(JSON.parse(stdout)).toMatchObject({ B: '@home', C: '' })
    const input = 'D="2 words"\nE=5 # not a value\n'
    const imported = await rig.paas(['config:import', '-a', 'blog', '--no-restart'], { input })
    expect(imported.code, imported.output).toBe(0)
    expect((await rig.paas(['config:get', '-a', 'blog', 'D'])).stdout).toBe('2 words\n')
    expect((await rig.paas(['config:edit', '-a', 'blog'])).code).toBe(2)
    const edited = await rig.inTerminal(
      ['config:edit', '-a', 'blog', '--no-restart'],
      [],
      "export EDITOR='sed -i s/^E=.*/F=6/'",
    )
    expect(edited.output).toContain('exit code 0')
    expect(
      JSON.parse((await rig.paas(['config:export', '-a', 'blog', '--format', 'json'])).stdout),
    ).toMatchObject({ F: '6' })
    expect((await rig.paas(['config:get', '-a', 'blog', 'E'])).code).toBe(3)
  })

  test('of every app is under the app’s own', async () => {
    const set = await rig.paas(['config:set', '--global', 'A=global', 'G=global'])
    expect(set.code, set.output).toBe(0)
    const { stdout } = await rig.paas(['run', '-a', 'blog', '--', 'echo "$G $A"'])
    expect(stdout).toMatch(/^global line 1/)
    expect((await rig.paas(['config:unset', '--global', 'A', 'G', '--no-restart'])).code).toBe(0)
  })
})

describe('releases', () => {
  test('tell what changed, and go back fast', async () => {
    await rig.json('config:set', '-a', 'blog', 'A=one')
    const good = (await rig.json<{ version: number }>('releases:info', '-a', 'blog')).version
    await rig.json('config:set', '-a', 'blog', 'A=two', 'N=1')
    const { diff } = await rig.json<{ diff: { config: unknown } }>('releases:diff', '-a', 'blog', `v${good}`)
    expect(diff.config).toEqual([
      { name: 'A', change: 'changed' },
      { name: 'N', change: 'added' },
    ])
    const info = await rig.paas(['releases:info', '-a', 'blog'])
    expect(info.stdout).toMatch(/\+ {2}config {2}N/)
    expect(info.stdout).not.toContain('two')
    expect(info.stdout).toMatch(/took: .*check \d/)
    const began = performance.now()
    await rig.json('rollback', '-a', 'blog', `v${good}`)
    console.log(`rollback to live, client included: ${Math.round(performance.now() - began)} ms`)
    expect(await answer()).toBe('web.1 one')
    expect((await rig.paas(['rollback', '-a', 'blog', 'v999'])).code).toBe(3)
  })

  test('that fail leave what was, and say why', async () => {
    const failed = await rig.paas([
      'config:set',
      '-a',
      'blog',
      'PORT=x1',
      'A=broken',
      'NODE_OPTIONS=--nonsense',
    ])
    expect(failed.code).toBe(1)
    expect(await answer()).toBe('web.1 one')
    expect((await rig.paas(['config:get', '-a', 'blog', 'A'])).stdout).toBe('one\n')
    const [newest] = await rig.json<{ status: string; reason: string }[]>('releases', '-a', 'blog')
    expect(newest).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('exited with code') as string,
    })
  })

  test('of a locked app are refused with the reason', async () => {
    await rig.json('apps:lock', '-a', 'blog', 'data is moved')
    for (const line of [
      ['config:set', 'A=no'],
      ['scale', 'web=2'],
      ['ps:restart'],
      ['rollback'],
      ['ps:stop'],
    ]) {
      const refused = await rig.paas([line[0]!, '-a', 'blog', ...line.slice(1)])
      expect([refused.code, refused.stderr.includes('data is moved')], line[0]).toEqual([5, true])
    }
    await rig.json('apps:unlock', '-a', 'blog')
    await rig.json('apps:unlock', '-a', 'blog')
    expect(await answer()).toBe('web.1 one')
  })
})

describe('processes', () => {
  test('are scaled to ten, and back to one', async () => {
    const began = performance.now()
    await rig.json('scale', '-a', 'blog', 'web=10')
    console.log(`scale web=10, client included: ${Math.round(performance.now() - began)} ms`)
    expect(await up()).toHaveLength(10)
    await rig.json('scale', '-a', 'blog', 'web=2')
    expect(await up()).toEqual(['web.1', 'web.2'])
  })

  test('leave their address to nobody who starts soon after', async () => {
    const seen = new Set<string>()
    for (let i = 0; i < 3; i++) {
      const { backends } = (await rig.store.routes.get('blog.daily.test'))!
      expect(backends.filter((backend) => seen.has(backend))).toEqual([])
      backends.forEach((backend) => seen.add(backend))
      await rig.json('ps:restart', '-a', 'blog')
    }
  })

  test('start after their network went with `docker system prune`, and right after the controller', async () => {
    const prune = async (): Promise<void> => {
      expect((await rig.paas(['scale', '-a', 'blog', 'web=0'])).code).toBe(0)
      // What serves no more ends in its own time.
      const remove = ['network', 'rm', rig.instance.network.bridge]
      await eventually('it is gone', 30_000, async () => (await run('docker', remove)).code === 0)
    }
    await prune()
    const one = await rig.paas(['scale', '-a', 'blog', 'web=1'])
    expect(one.code, one.output).toBe(0)
    await prune()
    await rig.restartController()
    const again = await rig.paas(['scale', '-a', 'blog', 'web=2'])
    expect(again.code, again.output).toBe(0)
    expect(await answer()).toMatch(/^web\.1 /)
  })

  test('are stopped and started by name, and stay stopped through a release', async () => {
    await rig.json('ps:stop', '-a', 'blog', 'web.2')
    expect(await up()).toEqual(['web.1'])
    await rig.json('config:set', '-a', 'blog', 'A=still')
    expect(await up()).toEqual(['web.1'])
    await rig.json('ps:start', '-a', 'blog')
    expect(await up()).toEqual(['web.1', 'web.2'])
    expect((await rig.paas(['ps:stop', '-a', 'blog', 'nope'])).code).toBe(3)
    await rig.json('scale', '-a', 'blog', 'web=1')
  })

  test('have limits, which a release carries, and say what they use', async () => {
    await rig.json('ps:type', '-a', 'blog', 'web=128m', '--cpus', '0.5', '--pids', '100')
    const [row] = await ps()
    expect(row!.memoryBytes).toBeGreaterThan(1024 ** 2)
    expect(row!.cpu).not.toBeNull()
    const { stdout } = await rig.paas(['run', '-a', 'blog', '--', 'cat /proc/self/limits'])
    expect(stdout).toContain('Max open files')
    const [id] = await rig.engine.containers.list([`paas.app=${app.id}`, 'paas.type=web'])
    const { HostConfig: found } = await rig.engine.docker.getContainer(id!).inspect()
    expect([found.Memory, found.NanoCpus, found.PidsLimit]).toEqual([128 * 1024 ** 2, 5e8, 100])
    // The same again changes nothing, and what the release changed goes back with it.
    expect(await rig.json('ps:type', '-a', 'blog', 'web=128m')).toMatchObject({ release: null })
    const { diff } = await rig.json<{ diff: { limits: unknown } }>('releases:info', '-a', 'blog')
    expect(diff.limits).toEqual([{ name: 'web', change: 'added' }])
    await rig.json('rollback', '-a', 'blog')
    expect(await rig.json('ps:type', '-a', 'blog')).toMatchObject({ limits: {} })
    for (const word of ['web=1', 'web=x', 'Web=128m']) {
      expect((await rig.paas(['ps:type', '-a', 'blog', word])).code, word).toBe(2)
    }
  })

  test('that fail a liveness check are started again', async () => {
    await rig.json(
      'checks:set',
      '-a',
      'blog',
      'web',
      '--command',
      'test ! -e /dead',
      '--liveness',
      '--attempts',
      '2',
      '--wait',
      '0.2',
    )
    const before = await rig.json<{ since: string }[]>('ps', '-a', 'blog')
    await rig.paas(['ps:exec', '-a', 'blog', 'web', '--', 'echo >/dead'])
    await eventually('the log tells', 30_000, async () =>
      (await rig.paas(['logs', '-a', 'blog', '-t', 'check'])).stdout.includes(
        'failed its liveness check 2 times',
      ),
    )
    await eventually('it runs anew', 30_000, async () => {
      const now = await rig.json<{ since: string; state: string }[]>('ps', '-a', 'blog')
      return now[0]!.state === 'up' && now[0]!.since !== before[0]!.since
    })
    await rig.json('checks:set', '-a', 'blog', 'web', '--default')
  })
})

describe('cron', () => {
  test('runs by the clock, records how it ended, pauses, and runs on demand', async () => {
    await rig.app('clock', {
      processes: { [web]: { command: webCommand }, [worker]: { command: 'sleep 1000' } },
      cron: [
        {
          name: 'tick',
          command: 'echo tick; exit 3',
          schedule: '*/2 * * * * *',
          timezone: 'UTC',
          overlap: 'forbid',
          timeout: 60,
          missed: 'run',
        },
        {
          name: 'slow',
          command: 'sleep 1000',
          schedule: '0 0 1 1 *',
          timezone: 'UTC',
          overlap: 'forbid',
          timeout: 2,
          missed: 'skip',
        },
      ],
    })
    type Entry = {
      name: string
      paused: boolean
      next: string | null
      last: { exitCode?: number; reason?: string; process: string } | null
    }
    const entry = async (name: string): Promise<Entry> =>
      (await rig.json<Entry[]>('cron', '-a', 'clock')).find((one) => one.name === name)!
    await eventually('a run', 30_000, async () => (await entry('tick')).last?.exitCode === 3)
    expect((await rig.paas(['cron:logs', '-a', 'clock', 'tick'])).stdout).toMatch(
      /app\[cron-tick\.\d+\]: tick/,
    )

    await rig.json('cron:pause', '-a', 'clock', 'tick')
    expect(await entry('tick')).toMatchObject({ paused: true, next: null })
    await sleep(6000)
    const { last } = await entry('tick')
    await sleep(4000)
    expect((await entry('tick')).last).toEqual(last)

    await rig.json('cron:run', '-a', 'clock', 'slow')
    expect((await rig.paas(['cron:run', '-a', 'clock', 'slow'])).code).toBe(5)
    await eventually(
      'it is stopped in time',
      30_000,
      async () => (await entry('slow')).last?.reason === 'stopped after 2 s',
    )
    expect((await rig.paas(['cron:run', '-a', 'clock', 'nope'])).code).toBe(3)
  })
})

test('logs outlive containers and the controller, by type, number and age', async () => {
  await rig.restartController('SIGTERM')
  const { stdout } = await rig.paas(['logs', '-a', 'blog', '-t', 'web', '-n', '5'])
  expect(stdout.trim().split('\n')).toHaveLength(5)
  expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\+00:00 (?:app|paas)\[web\.\d+\]: /)
  const [first] = (await rig.paas(['logs', '-a', 'blog', '--since', '1h', '--json'])).stdout.split('\n')
  expect(JSON.parse(first!)).toMatchObject({ source: expect.stringMatching(/app|paas/) as string })
  expect((await rig.paas(['logs', '-a', 'blog', '--since', 'yesterday'])).code).toBe(2)
  expect((await rig.paas(['disk'])).stdout).toMatch(/blog/)
})

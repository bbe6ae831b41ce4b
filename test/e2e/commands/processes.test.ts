import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { containersOf, inspect } from '../../support/docker.ts'
import { commandsOf, everyCommand } from '../../support/every-command.ts'
import { get, hostOf, paas } from '../../support/instance.ts'
import { appName, type Clone, createLaptop } from '../../support/laptop.ts'
import { eventually } from '../../support/process.ts'

const app = appName('processes')
const laptop = await createLaptop('processes')
const { run, does, json, refuses } = commandsOf(app)

let clone: Clone
beforeAll(async () => {
  clone = await laptop.clone(app)
  await clone.deploy({
    Procfile: 'web: node server.js\nworker: while :; do echo at work; sleep 1; done\n',
    'app.json': JSON.stringify({
      cron: [
        { name: 'hello', command: 'echo hello from cron; exit 3', schedule: '0 0 1 1 *' },
        { name: 'long', command: 'sleep 1000', schedule: '@yearly', concurrency_policy: 'forbid' },
      ],
    }),
  })
})
afterAll(() => laptop[Symbol.asyncDispose]())

type Process = { name: string; type: string; state: string; since: string; restarts: number }
const ps = (): Promise<Process[]> => json('ps:list')
const up = async (): Promise<string[]> =>
  (await ps()).filter(({ state }) => state === 'up').map(({ name }) => name)
const release = async (): Promise<number> =>
  (await json<{ release: { version: number } }>('apps:info')).release.version
const oneOffs = async (): Promise<string[]> =>
  (await json<{ name: string }[]>('run:list')).map(({ name }) => name)

/** A change that makes no release. */
async function withoutRelease(change: () => Promise<unknown>): Promise<void> {
  const before = await release()
  await change()
  expect(await release()).toBe(before)
}

everyCommand(['ps', 'run', 'checks', 'cron'], {
  'ps:list': async () => {
    expect(await ps()).toMatchObject([{ name: 'web.1', state: 'up', release: 1, command: 'node server.js' }])
    expect(await does('ps')).toMatch(/^=== web \(1\): node server\.js\nweb\.1 {2}up {2}v1 {2}\d+s ago {2}/)
  },

  scale: async () => {
    expect(await does('scale', 'web=2', 'worker=1')).toBe('web:     2\nworker:  1\n')
    expect(await up()).toEqual(['web.1', 'web.2', 'worker.1'])
    const before = await containersOf(app)
    expect(await does('scale', 'web=2')).toBe(await does('scale'))
    expect(await containersOf(app)).toEqual(before)
    expect((await run('scale', 'web=0')).stderr).toMatch(new RegExp(`No container serves ${hostOf(app)}`))
    expect((await get(hostOf(app))).status).toBe(502)
    await does('scale', 'web=2')
    expect((await get(hostOf(app), '/facts')).status).toBe(200)
  },

  'ps:restart': async () => {
    const before = await ps()
    expect(await does('ps:restart', 'web.2')).toBe(`Restarted ${app}: v1.\n`)
    const after = await ps()
    const renewed = after.filter(
      ({ name, since }) => since !== before.find((one) => one.name === name)!.since,
    )
    expect(renewed.map(({ name }) => name)).toEqual(['web.2'])
    await does('ps:restart')
    await does('ps:restart')
    await eventually('the old ones are gone', 20_000, async () => (await containersOf(app)).length === 3)
    // None of them has failed.
    expect((await ps()).map(({ state, restarts }) => [state, restarts])).toEqual(Array(3).fill(['up', 0]))
  },

  'ps:stop': async () => {
    for (let i = 0; i < 2; i++) {
      expect(await does('ps:stop', 'worker')).toBe(`Stopped now of ${app}: worker.\n`)
      expect((await ps()).find(({ type }) => type === 'worker')).toMatchObject({ state: 'stopped' })
    }
    // It stays so through a restart of all, which is of what runs.
    await does('ps:restart')
    expect(await up()).toEqual(['web.1', 'web.2'])
    const all = await run('ps:stop')
    expect(all.output).not.toMatch(/is live|http:/)
    await eventually('all is gone', 20_000, async () => (await containersOf(app)).length === 0)
    expect((await ps()).map(({ state, restarts }) => [state, restarts])).toEqual(
      Array(3).fill(['stopped', 0]),
    )
  },

  'ps:start': async () => {
    for (let i = 0; i < 2; i++) {
      expect(await does('ps:start')).toBe(`All of ${app} is started.\n`)
      expect(await up()).toEqual(['web.1', 'web.2', 'worker.1'])
    }
    await does('scale', 'web=1', 'worker=0')
    for (const verb of ['ps:stop', 'ps:restart']) {
      expect(await refuses(3, verb, 'worker')).toMatch(/it is scaled to 0[^]*paas scale -a \S+ worker=1/)
    }
  },

  'ps:type': async () => {
    const before = await release()
    expect(await does('ps:type', 'web=96m', 'run=64m', 'cron-hello=32m')).toMatch(/^web {9}96 MiB {2}all/m)
    expect(await release()).toBe(before + 1)
    await withoutRelease(() => does('ps:type', 'web=96m'))
    const [web] = await eventually('the old one is gone', 20_000, async () => {
      const found = await containersOf(app, { type: 'web' })
      return found.length === 1 ? found : undefined
    })
    const { HostConfig } = await inspect<{ HostConfig: { Memory: number } }>(web!)
    expect(HostConfig.Memory).toBe(96 * 1024 ** 2)
    await does('ps:type', 'web', '--cpus', '0.5', '--pids', '200')
    expect(await json('ps:type')).toMatchObject({
      limits: { web: { memoryBytes: 96 * 1024 ** 2, cpus: 0.5, pids: 200 } },
    })
    await does('ps:type', 'web=default', 'run=default', 'cron-hello=default')
    expect(await json('ps:type')).toMatchObject({ limits: {} })
    await withoutRelease(() => does('ps:type', 'web=default'))
  },

  'ps:exec': async () => {
    for (let i = 0; i < 2; i++) {
      const { code, stdout, stderr } = await run(
        'ps:exec',
        'web',
        '--',
        'echo in $DYNO; echo err >&2; exit 4',
      )
      expect([code, stdout, stderr]).toEqual([4, 'in web.1\n', 'err\n'])
    }
    expect(await refuses(127, 'ps:exec', 'web.1', '--', 'no-such-program')).toMatch(/not found/)
  },

  run: async () => {
    for (let i = 0; i < 2; i++) {
      const { code, stdout, stderr } = await run(
        'run',
        '-e',
        'X=1 2',
        '--',
        'echo "$X"; echo err >&2; exit 7',
      )
      expect([code, stdout, stderr]).toEqual([7, '1 2\n', 'err\n'])
    }
    expect((await run('run', '--', 'kill -9 $$')).code).toBe(137)
    expect(await refuses(127, 'run', '--', 'no-such-program')).toMatch(/not found/)
  },

  'run:detached': async () => {
    const first = await json<{ name: string }>('run:detached', '--', 'echo from afar; exit 3')
    await eventually('its end is told', 20_000, async () => {
      const said = await does('logs', '-t', 'run')
      return (
        said.includes(`app[${first.name}]: from afar`) && said.includes(`${first.name} exited with code 3`)
      )
    })
    const names = [0, 1].map(() => json<{ name: string }>('run:detached', '--', 'sleep 1000'))
    expect(new Set((await Promise.all(names)).map(({ name }) => name)).size).toBe(2)
  },

  'run:list': async () => {
    expect(await does('run:list')).toMatch(
      /^(?:run\.\d{4} {2}v\d+ {2}\ds ago {2}detached {2}sleep 1000\n){2}$/,
    )
    // One-offs are no part of the formation, and a restart leaves them alone.
    await does('ps:restart')
    expect(await oneOffs()).toHaveLength(2)
  },

  'run:stop': async () => {
    const [first, second] = await oneOffs()
    expect(await does('run:stop', first!)).toBe(`Stopped ${first!}.\n`)
    await eventually('it is gone', 10_000, async () => (await oneOffs()).length === 1)
    expect(await refuses(3, 'run:stop', first!)).toMatch(/paas run:list/)
    expect(await does('run:stop', '--all')).toBe(`Stopped ${second!}.\n`)
    await eventually('both are gone', 10_000, async () => (await oneOffs()).length === 0)
    expect(await does('run:stop', '--all')).toBe('Nothing ran.\n')
  },

  'checks:set': async () => {
    const before = await release()
    expect(await does('checks:set', 'web', '--path', '/facts', '--content', 'version')).toBe(
      `Set for ${app}: v${before + 1}.\n`,
    )
    await withoutRelease(async () => {
      expect(await does('checks:set', 'web', '--path', '/facts', '--content', 'version')).toMatch(
        /so already/,
      )
    })
    const failing = ['--path', '/nothing', '--attempts', '1', '--initial-delay', '2']
    const failed = await refuses(1, 'checks:set', 'web', ...failing)
    expect(failed).toMatch(/GET \/nothing on port \d+\) in 1 attempt: the answer was 404/)
    // What fails changes nothing.
    expect(await does('checks:report')).toMatch(/web +checks:set +startup: GET \/facts \(30 attempts of 5 s/)
    const times = ['--wait-to-retire', '7', '--stop-timeout', '4']
    await withoutRelease(async () => {
      expect(await does('checks:set', ...times)).toBe(`Set for ${app}.\n`)
      expect(await does('checks:set', ...times)).toMatch(/so already/)
    })
  },

  'checks:report': async () => {
    expect(await json('checks:report')).toMatchObject({
      ...{ waitToRetire: 7, stopTimeout: 4 },
      types: [
        { type: 'web', from: 'checks:set', checks: [{ path: '/facts', content: 'version' }] },
        { type: 'worker', from: 'default', checks: [] },
      ],
    })
    await does('checks:set', 'web', '--default')
    expect(await does('checks')).toMatch(/^web +default +it listens/m)
    await withoutRelease(async () => {
      expect(await does('checks:set', 'web', '--default')).toMatch(/so already/)
    })
  },

  'cron:list': async () => {
    expect(await json('cron:list')).toMatchObject([
      { name: 'hello', paused: false, last: null, next: expect.stringMatching(/-01-01T00:00:00/) as string },
      { name: 'long', overlap: 'forbid' },
    ])
    expect(await does('cron')).toMatch(/^hello {2}0 0 1 1 \* .* never .*echo hello/m)
  },

  'cron:run': async () => {
    const last = async (name: string): Promise<{ exitCode?: number; process: string } | null> => {
      type Entry = { name: string; last: { exitCode?: number; process: string } | null }
      return (await json<Entry[]>('cron:list')).find((entry) => entry.name === name)!.last
    }
    const processes: string[] = []
    for (let i = 0; i < 2; i++) {
      const { process } = await json<{ process: string }>('cron:run', 'hello')
      processes.push(process)
      await eventually('it has ended', 20_000, async () => {
        const run = await last('hello')
        return run?.process === process && run.exitCode === 3
      })
    }
    expect(new Set(processes).size).toBe(2)
    await does('cron:run', 'long')
    expect(await refuses(5, 'cron:run', 'long')).toMatch(/forbids a second run/)
    await does('run:stop', '--all')
    await eventually(
      'the long one has ended',
      20_000,
      async () => (await last('long'))?.exitCode !== undefined,
    )
  },

  'cron:logs': async () => {
    const lines = (await does('cron:logs', 'hello')).trim().split('\n')
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(line).toMatch(/ app\[cron-hello\.\d+\]: hello from cron$/)
    expect((await does('cron:logs', 'hello', '-n', '1', '--json')).trim()).toMatch(
      /^\{.*"text":"hello from cron"\}$/,
    )
    expect(await does('cron:logs', 'long')).toBe('')
  },

  'cron:pause': async () => {
    for (let i = 0; i < 2; i++) {
      expect(await does('cron:pause', 'hello')).toBe('hello is paused.\n')
      expect(await json('cron:list')).toMatchObject([{ paused: true, next: null }, { paused: false }])
    }
    // Somebody can still run it.
    await does('cron:run', 'hello')
  },

  'cron:resume': async () => {
    for (let i = 0; i < 2; i++) {
      expect(await does('cron:resume', 'hello')).toBe('hello runs again.\n')
      expect(await json('cron:list')).toMatchObject([
        { paused: false, next: expect.any(String) as string },
        {},
      ])
    }
  },
})

test('what was set for a process type that is gone is told, and can be taken back', async () => {
  await does('scale', 'worker=1')
  await does('ps:type', 'worker=64m')
  await does('checks:set', 'worker', '--uptime', '0.2')
  const pushed = await clone.deploy({ Procfile: 'web: node server.js\n' })
  const lines = pushed.output.matchAll(/no process type worker to be (\w+): paas (.+?)\s*$/gm)
  const found = [...lines].map(([, what, command]) => ({ what, words: command!.split(' ') }))
  expect(found.map(({ what }) => what)).toEqual(['scaled', 'limited', 'checked'])
  for (const { words } of found) expect([words, (await paas(words)).code]).toEqual([words, 0])
  expect(await does('scale')).toBe('web:  1\n')
  expect((await clone.deploy({ note: '2' })).output).not.toContain('no process type')
  expect(await refuses(3, 'scale', 'worker=0')).toMatch(/no process type worker/)
})

test('an old container has the seconds that wait-to-retire and stop-timeout leave it, and no more', async () => {
  /** Restarts web while it works on a request of 8 seconds; how long the old container is there. */
  async function restartDuringRequest(): Promise<{ status: number; oldSeconds: number }> {
    const asked = get(hostOf(app), '/slow?ms=8000')
    await sleep(500)
    await does('ps:restart', 'web')
    const began = performance.now()
    await eventually('the old one is gone', 20_000, async () => (await containersOf(app)).length === 1)
    const oldSeconds = (performance.now() - began) / 1000
    return { status: (await asked).status, oldSeconds }
  }
  await does('checks:set', '--wait-to-retire', '10')
  const patient = await restartDuringRequest()
  expect(patient.status).toBe(200)
  expect(patient.oldSeconds).toBeGreaterThan(2)
  await does('checks:set', '--wait-to-retire', '0', '--stop-timeout', '1')
  const impatient = await restartDuringRequest()
  // The router asks the new one then, as nothing was answered yet.
  expect(impatient.status).toBe(200)
  expect(impatient.oldSeconds).toBeLessThan(6)
})

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { cgroupUsage } from '../../../src/docker/cgroup-usage.ts'
import { openEngine } from '../../../src/docker/engine.ts'
import { randomHex, randomId } from '../../../src/lib/ids.ts'
import { AppId, AppName, ProcessType } from '../../../src/model/names.ts'
import { dockerLocal } from '../../../src/schedulers/docker-local/docker-local.ts'
import { type ContainerSpec } from '../../../src/schedulers/scheduler.ts'
import { eventually } from '../../support/process.ts'
import { tinyImage } from '../../support/tiny-image.ts'

const engine = openEngine('/var/run/docker.sock')
const suffix = randomHex(3)
const instance = { name: `paas-test-${suffix}`, network: { bridge: `pt${suffix}` } }
const other = { ...instance, name: `${instance.name}-other` }
const scheduler = dockerLocal(engine, instance)
let image = ''

beforeAll(async () => {
  await engine.negotiate()
  const third = 16 + (Number.parseInt(suffix.slice(0, 2), 16) % 16)
  await engine.networks.ensureBridge({
    name: instance.network.bridge,
    subnet: `10.213.${third * 8}.0/24`,
    labels: { 'paas.instance': instance.name },
  })
  image = await tinyImage(engine, instance.name)
})
afterEach(async () => {
  for (const at of [scheduler, dockerLocal(engine, other)]) {
    for (const { id } of await at.list()) await at.remove(id, 0)
  }
})
afterAll(async () => {
  await engine.images.remove(`paas-test/tiny:${instance.name}`)
  await engine.networks.remove(instance.network.bridge)
})

const app = { id: AppId.parse(randomId('a')), name: AppName.parse('blog') }
const spec = (type: string, rest: Partial<ContainerSpec> = {}): ContainerSpec => ({
  app,
  release: 7,
  slot: { type: ProcessType.parse(type), index: 1 },
  image,
  command: 'echo up; sleep 1000',
  env: {},
  ...rest,
})

async function textOf(id: string, options: { tail?: number; since?: Date } = {}): Promise<string[]> {
  const lines: string[] = []
  for await (const line of scheduler.logs(id, options)) lines.push(`${line.stream}: ${line.text}`)
  return lines
}

describe('a container', () => {
  test('runs on the bridge, and tells what it is', async () => {
    const started = await scheduler.start(spec('web'))
    expect(started).toMatchObject({
      appId: app.id,
      release: 7,
      slot: { type: 'web', index: 1 },
      oneOff: false,
      attached: false,
      command: expect.stringContaining('sleep 1000') as string,
      running: true,
      exit: undefined,
      finishedAt: undefined,
    })
    expect(started.name).toMatch(/^blog\.web\.1\.v7-[0-9a-f]{6}$/)
    expect(started.address).toMatch(/^10\.213\./)
    expect(started.pid).toBeGreaterThan(1)
    expect(Date.now() - Number(started.startedAt)).toBeLessThan(60_000)
    expect(await scheduler.inspect(started.id)).toEqual(started)
  })

  test('is measured by its control group, and as the engine does where that cannot be seen', async () => {
    const started = await scheduler.start(spec('web', { command: 'while :; do :; done' }))
    const usage = (await scheduler.usage([started])).get(started.id)!
    expect(usage.cpu).toBeGreaterThan(0.05)
    expect(usage.cpu).toBeLessThan(1.5)
    const [seen, asked] = [
      await cgroupUsage(started.id, started.pid!),
      await engine.containers.usage(started.id, undefined),
    ]
    expect(asked!.cpuNs / seen!.cpuNs).toBeGreaterThan(0.5)
    expect(Math.abs(asked!.memoryBytes - seen!.memoryBytes)).toBeLessThan(16 * 1024 * 1024)
    // Somebody else's process.
    expect(await cgroupUsage(started.id, process.pid)).toBeUndefined()
    await scheduler.stop(started.id, 0)
    expect((await scheduler.usage([started])).size).toBe(0)
  })

  test('has the environment that it was given, to the byte', async () => {
    const value = 'a=b "q" \'s\' $HOME\nsecond é 😀'
    const { id } = await scheduler.start(
      spec('web', { env: { V: value, EMPTY: '' }, command: 'echo "$V|$EMPTY|"', oneOff: true }),
    )
    await scheduler.wait(id)
    expect((await textOf(id)).join('\n').replaceAll('stdout: ', '')).toBe(`${value}||`)
  })

  test('runs the image’s own command where none is given', async () => {
    const { command, ...own } = spec('web')
    expect(command).toBeDefined()
    const { id } = await scheduler.start(own)
    expect(await eventually('its output', 5000, async () => (await textOf(id))[0])).toBe('stdout: ready')
  })

  test('cannot do more than an app should', async () => {
    const { id } = await scheduler.start(
      spec('web', {
        command:
          'while read -r line; do case $line in Cap*|NoNew*|Seccomp:*) echo "$line";; esac; done < /proc/self/status',
        oneOff: true,
      }),
    )
    await scheduler.wait(id)
    const status = (await textOf(id)).join('\n')
    expect(status).toMatch(/CapBnd:\s+00000000000004eb/)
    expect(status).toMatch(/NoNewPrivs:\s+1/)
    expect(status).toMatch(/Seccomp:\s+2/)
  })

  test('that ends says how', async () => {
    const { id } = await scheduler.start(spec('web', { command: 'exit 3' }))
    expect(await scheduler.wait(id)).toEqual({ code: 3, oomKilled: false })
    const ended = await scheduler.inspect(id)
    expect(ended).toMatchObject({
      running: false,
      address: undefined,
      pid: undefined,
      exit: { code: 3, oomKilled: false },
    })
    // The engine's two clocks of a container that ends at once may differ by some milliseconds.
    expect(Number(ended?.finishedAt)).toBeGreaterThan(Number(ended?.startedAt) - 1000)
  })

  test('that uses more memory than it may is killed, and that is said', async () => {
    const hungry = 'x=$(head -c 200000000 /dev/zero | cat -v); echo "${#x}"'
    const { id } = await scheduler.start(
      spec('web', { command: hungry, limits: { memoryBytes: 32 * 1024 ** 2 } }),
    )
    expect((await scheduler.wait(id)).code).not.toBe(0)
    expect(
      await eventually(
        'that it was the memory',
        5000,
        async () => (await scheduler.inspect(id))?.exit?.oomKilled,
      ),
    ).toBe(true)
  })

  test('gets SIGTERM first, and may take its time', async () => {
    const { id } = await scheduler.start(
      spec('web', { command: "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done" }),
    )
    // A first process that has not come so far as to heed signals does not hear of one.
    await eventually('it is up', 5000, async () => (await textOf(id)).length > 0)
    await scheduler.stop(id, 10)
    expect(await textOf(id)).toEqual(['stdout: up', 'stdout: bye'])
    expect((await scheduler.inspect(id))?.exit?.code).toBe(0)
  })

  test('that does not heed SIGTERM is killed after its grace, and removed', async () => {
    const { id } = await scheduler.start(
      spec('web', { command: "trap '' TERM; while :; do sleep 0.1; done" }),
    )
    const began = performance.now()
    await scheduler.remove(id, 1)
    expect(performance.now() - began).toBeLessThan(8000)
    expect(await scheduler.inspect(id)).toBeUndefined()
    await scheduler.remove(id, 1)
  })

  test('is started again with the files that it had', async () => {
    const { id } = await scheduler.start(
      spec('web', { command: 'echo again; echo x >> /seen; sleep 0.2; exit 1' }),
    )
    await scheduler.wait(id)
    const again = await scheduler.restart(id)
    expect(again).toMatchObject({ id, running: true, exit: undefined })
    await scheduler.wait(id)
    expect(await textOf(id)).toEqual(['stdout: again', 'stdout: again'])
  })

  test('whose program cannot be started leaves nothing', async () => {
    const starting = scheduler.start(spec('web', { image: 'sha256:'.padEnd(71, '0') }))
    await expect(starting).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:DOCKER|START)_FAILED$/) as string,
    })
    expect(await scheduler.list()).toEqual([])
  })
})

describe('lists', () => {
  test('are of this instance, by app, in order', async () => {
    const stranger = { ...app, id: AppId.parse(randomId('a')) }
    await scheduler.start(spec('worker'))
    await scheduler.start(spec('web', { slot: { type: ProcessType.parse('web'), index: 2 } }))
    await scheduler.start(spec('web'))
    await scheduler.start(spec('web', { app: stranger }))
    await dockerLocal(engine, other).start(spec('web'))
    const own = await scheduler.list(app.id)
    expect(own.map(({ slot }) => `${slot.type}.${slot.index}`)).toEqual(['web.1', 'web.2', 'worker.1'])
    expect(await scheduler.list()).toHaveLength(4)
  })
})

describe('what it prints', () => {
  const chatty = 'for i in $(seq 1 50); do echo "line $i"; done; echo oops >&2; printf "no end"'

  test('is read whole, or its last lines, each with its stream', async () => {
    const { id } = await scheduler.start(spec('web', { command: chatty }))
    await scheduler.wait(id)
    const all = await eventually('all lines', 5000, async () =>
      (await textOf(id)).length === 52 ? textOf(id) : undefined,
    )
    // Two streams are two pipes: what came first on which of them, no engine knows.
    const stdout = all.filter((line) => line !== 'stderr: oops')
    expect(stdout).toHaveLength(51)
    expect(stdout.slice(0, 2)).toEqual(['stdout: line 1', 'stdout: line 2'])
    expect(stdout.at(-1)).toBe('stdout: no end')
    expect(await textOf(id, { tail: 3 })).toHaveLength(3)
  })

  test('is followed until it ends', async () => {
    const { id } = await scheduler.start(
      spec('web', { command: 'for i in 1 2 3; do echo "$i"; sleep 0.1; done' }),
    )
    const lines: string[] = []
    for await (const { text, at } of scheduler.logs(id, { follow: true })) {
      expect(Math.abs(Date.now() - Number(at))).toBeLessThan(60_000)
      lines.push(text)
    }
    expect(lines).toEqual(['1', '2', '3'])
  })

  test('is followed until nobody listens any more', async () => {
    const { id } = await scheduler.start(spec('web', { command: 'while :; do echo tick; sleep 0.05; done' }))
    const enough = new AbortController()
    let seen = 0
    for await (const { text } of scheduler.logs(id, { follow: true, signal: enough.signal })) {
      expect(text).toBe('tick')
      if (++seen === 3) enough.abort()
    }
    expect(seen).toBeGreaterThanOrEqual(3)
  })
})

describe('a command inside', () => {
  test('gives its exit code and output', async () => {
    const { id } = await scheduler.start(spec('web'))
    expect(await scheduler.exec(id, ['/bin/sh', '-c', 'echo out; echo err >&2; exit 4'], 10)).toMatchObject({
      code: 4,
    })
    expect((await scheduler.exec(id, ['/bin/echo', '$HOME `id`; *'], 10)).output).toBe('$HOME `id`; *\n')
  })

  test('is given up after its time', async () => {
    const { id } = await scheduler.start(spec('web'))
    const began = performance.now()
    expect((await scheduler.exec(id, ['/bin/sleep', '30'], 0.5)).code).toBe(124)
    expect(performance.now() - began).toBeLessThan(5000)
  })
})

test('without an engine a call says so', async () => {
  const away = dockerLocal(openEngine('/nonexistent/docker.sock'), instance)
  await expect(away.list()).rejects.toMatchObject({ code: 'DOCKER_UNREACHABLE' })
})

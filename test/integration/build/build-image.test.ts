import { readdir, readFile, statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildImage } from '../../../src/build/build-image.ts'
import { planFromImage } from '../../../src/build/from-image.ts'
import { sourceOf } from '../../unit/build/source-of.ts'
import { built, engine, needBase, outputOf } from './engine.ts'

beforeAll(needBase, 300_000)

const from = 'FROM paas/base:trixie\n'

test('the image has the source without what .dockerignore names, with modes and links', async () => {
  await using spooled = await sourceOf([
    { name: 'Dockerfile', content: `${from}COPY . /app\nEXPOSE 8080\nCMD ["true"]\n` },
    { name: '.dockerignore', content: '*.log\nsecret\n!keep.log\n' },
    { name: 'run', content: '#!/bin/sh\n', mode: 0o755 },
    { name: 'a.log', content: 'no' },
    { name: 'keep.log', content: 'yes' },
    { name: 'secret/key', content: 'no' },
    { name: 'link', type: 'symlink', linkname: 'run' },
    { name: 'big', content: Buffer.alloc(3 * 1024 ** 2, 'b') },
  ])
  await using image = await built(spooled.source, { labels: { 'paas.app': 'x' } })
  const listed = await outputOf(
    image.imageId,
    'find',
    '/app',
    '-mindepth',
    '1',
    '-printf',
    '%P %m %s <%l>\\n',
  )
  expect(listed.trim().split('\n').toSorted()).toEqual([
    '.dockerignore 644 23 <>',
    `Dockerfile 644 ${from.length + 37} <>`,
    'big 644 3145728 <>',
    'keep.log 644 3 <>',
    'link 777 3 <run>',
    'run 755 10 <>',
  ])
  const state = await engine.images.inspect(image.imageId)
  expect(state).toMatchObject({ labels: { 'paas.app': 'x' }, ports: [8080], command: ['true'] })
  expect(image.port).toBe(8080)
})

test('lines come readable, and the second build from cache', async () => {
  const text = `${from}RUN echo one; echo two >&2; printf 'half'; printf '\\rwhole\\n'; echo ${Math.random()}\nRUN echo ${Math.random()}\n`
  await using spooled = await sourceOf({ Dockerfile: text })
  await using first = await built(spooled.source)
  expect(first.lines).toEqual(expect.arrayContaining(['one', 'two', 'whole']))
  expect(first.lines.filter((line) => line.startsWith('half'))).toEqual([])
  expect(first.lines.find((line) => line.includes('RUN echo one'))).toMatch(/^\[2\/3\] RUN echo one/)
  await using second = await built(spooled.source)
  expect(second.imageId).toBe(first.imageId)
  expect(second.lines.filter((line) => line.includes('RUN'))).toEqual([
    expect.stringMatching(/RUN echo one.*CACHED$/),
    expect.stringMatching(/RUN echo 0\..*CACHED$/),
  ])
})

test('a failing step is told with its last lines and a likely cause', async () => {
  await using spooled = await sourceOf({
    Dockerfile: `${from}RUN for i in $(seq 12); do echo line $i; done; vite build; code=$?; sleep 0.5; exit $code\n`,
  })
  const error = (await built(spooled.source).catch((thrown: unknown) => thrown)) as Error & {
    code: string
    hint: string
  }
  expect(error).toMatchObject({ code: 'BUILD_FAILED', hint: 'A command is not in the image.' })
  expect(error.message).toMatch(/^The build failed at \[2\/2\] RUN for i in/)
  expect(error.message).toContain('line 12')
  expect(error.message).toContain('vite: not found')
  expect(error.message).toContain('exit code: 127')
})

test('a base image that is not there, from a registry that is or is not', async () => {
  await using spooled = await sourceOf({ Dockerfile: 'FROM registry.invalid/nothing:1\nRUN ls\n' })
  await expect(built(spooled.source)).rejects.toMatchObject({
    code: 'BUILD_FAILED',
    hint: expect.stringMatching(/registry cannot be reached|base image is not there/) as string,
  })
})

test('an abort ends the step in the engine at once', async () => {
  const marker = `9${Math.floor(Math.random() * 1e8)}`
  await using spooled = await sourceOf({ Dockerfile: `${from}RUN echo started && sleep ${marker}\n` })
  const abort = new AbortController()
  const started = Promise.withResolvers<undefined>()
  const building = built(spooled.source, {
    signal: abort.signal,
    onLine: (line) => line === 'started' && started.resolve(undefined),
  })
  building.catch(() => undefined)
  await started.promise
  while (!(await sleeping(marker))) await sleep(20)
  const since = performance.now()
  abort.abort()
  await expect(building).rejects.toMatchObject({ code: 'BUILD_CANCELLED' })
  expect(performance.now() - since).toBeLessThan(1000)
  for (let i = 0; i < 50 && (await sleeping(marker)); i++) await sleep(20)
  expect(await sleeping(marker)).toBe(false)
})

test('a build that does not end is given up', async () => {
  await using spooled = await sourceOf({ Dockerfile: `${from}RUN sleep 3600\n` })
  await expect(built(spooled.source, { timeoutSeconds: 2 })).rejects.toMatchObject({
    code: 'BUILD_FAILED',
    message: expect.stringContaining('did not end within') as string,
  })
})

test('a secret is there for the step that mounts it, and nowhere else', async () => {
  const canary = `canary-${Math.random()}`
  await using spooled = await sourceOf({
    Dockerfile: `${from}RUN sleep 7\nRUN --mount=type=secret,id=env sha256sum /run/secrets/env > /sum && cat /run/secrets/env | wc -c\nRUN ls /run/secrets 2>&1 || true\n`,
  })
  await using image = await built(spooled.source, { secrets: { env: Buffer.from(canary) }, noCache: true })
  expect(image.lines).toContain(String(canary.length))
  const history = JSON.stringify(await engine.docker.getImage(image.imageId).history())
  expect(history).not.toContain(canary)
  expect(image.lines.join('\n')).not.toContain(canary)
  expect(await outputOf(image.imageId, 'sh', '-c', 'cat /run/secrets/env')).not.toContain(canary)
}, 60_000)

test('a changed config var reaches a step that depends on it', async () => {
  const text = `${from}ARG CONFIG_HASH\nRUN --mount=type=secret,id=env . /run/secrets/env && echo "mode is $MODE"\n`
  await using spooled = await sourceOf({ Dockerfile: text })
  await using one = await built(spooled.source, { secrets: { env: Buffer.from("export MODE='one'\n") } })
  await using two = await built(spooled.source, { secrets: { env: Buffer.from("export MODE='two'\n") } })
  expect([one.lines.includes('mode is one'), two.lines.includes('mode is two')]).toEqual([true, true])
})

test('a Dockerfile that asks for it gets the time of the commit, with other config one shortly before', async () => {
  const at = async (env: string, mtime = new Date(1_700_000_000_000)): Promise<number> => {
    const content = `${from}ARG SOURCE_DATE_EPOCH\nRUN echo "at $SOURCE_DATE_EPOCH" # ${Math.random()}\n`
    await using spooled = await sourceOf([{ name: 'Dockerfile', content, mtime }])
    await using image = await built(spooled.source, { secrets: { env: Buffer.from(env) } })
    return Number(image.lines.find((line) => line.startsWith('at '))?.slice(3))
  }
  expect(await at('')).toBe(1_700_000_000)
  const [one, two] = [await at("export MODE='one'\n"), await at("export MODE='two'\n")]
  expect(one).not.toBe(two)
  for (const time of [one, two]) expect(1_700_000_000 - time).toBeLessThan(3600)
  expect(new Date((await at('', new Date(0))) * 1000).getUTCFullYear()).toBe(1980)
})

test('a cache mount is one app’s, whatever it calls it', async () => {
  const text = (note: string) =>
    `${from}RUN --mount=type=cache,id=shared,target=/cache echo "found $(ls /cache)"; touch /cache/mine # ${note}\n`
  const build = async (note: string, cacheScope: string): Promise<string | undefined> => {
    await using spooled = await sourceOf({ Dockerfile: text(note) })
    await using image = await built(spooled.source, { cacheScope })
    return image.lines.find((line) => line.startsWith('found'))?.trim()
  }
  const run = Math.random().toString(36).slice(2)
  expect(await build(`${run}1`, `a${run}`)).toBe('found')
  expect(await build(`${run}2`, `a${run}`)).toBe('found mine')
  expect(await build(`${run}3`, `b${run}`)).toBe('found')
})

test('without a cache every step runs anew', async () => {
  await using spooled = await sourceOf({ Dockerfile: `${from}RUN echo "now $(date +%s%N)"\n` })
  const at = async (noCache: boolean): Promise<string | undefined> => {
    await using image = await built(spooled.source, { noCache })
    return image.lines.find((line) => line.startsWith('now'))
  }
  expect(await at(true)).toMatch(/^now \d+$/)
  expect(await at(false)).toBeUndefined()
  expect(await at(true)).toMatch(/^now \d+$/)
})

test('a Dockerfile elsewhere, one of its stages, with arguments, and what the image says about itself', async () => {
  const flavour = `dark ${Math.random()}`
  await using spooled = await sourceOf({
    Dockerfile: 'FROM scratch\nRUN never\n',
    'docker/web.Dockerfile':
      `ARG BASE=debian:none\nFROM $BASE AS web\nARG FLAVOUR=plain\nRUN echo "flavour $FLAVOUR"\nCOPY . /app\n` +
      `EXPOSE 7070\nUSER 1234\nENTRYPOINT ["/bin/sh", "-c"]\nCMD ["exec sleep 60"]\n` +
      `HEALTHCHECK --interval=5s --timeout=2s --start-period=10s --retries=2 CMD test -e /app\n` +
      `FROM web AS never\nRUN exit 1\n`,
    'docker/web.Dockerfile.dockerignore': 'secret\n',
    secret: 'no',
  })
  await using image = await built(spooled.source, {
    plan: {
      dockerfile: 'docker/web.Dockerfile',
      target: 'web',
      buildArgs: { BASE: 'paas/base:trixie', FLAVOUR: flavour },
    },
  })
  expect(image.lines).toContain(`flavour ${flavour}`)
  expect(image.port).toBe(7070)
  expect(image.healthcheck).toMatchObject([
    { type: 'startup', attempts: 30 },
    { type: 'startup', command: ['/bin/sh', '-c', 'test -e /app'], timeout: 2, attempts: 30 },
    { type: 'liveness', wait: 5, attempts: 2, initialDelay: 10 },
  ])
  expect(await engine.images.inspect(image.imageId)).toMatchObject({
    user: '1234',
    entrypoint: ['/bin/sh', '-c'],
    command: ['exec sleep 60'],
    ports: [7070],
  })
  expect((await outputOf(image.imageId, 'ls', '/app', '/app/docker')).trim().split(/\s+/)).toEqual([
    '/app:',
    'Dockerfile',
    'docker',
    '/app/docker:',
    'web.Dockerfile',
    'web.Dockerfile.dockerignore',
  ])
})

test('a step gets the machine’s proxy, and neither the image nor the cache knows of it', async () => {
  const run = Math.random()
  await using spooled = await sourceOf({
    Dockerfile: `${from}RUN echo "${run}: $HTTP_PROXY $http_proxy $https_proxy $NO_PROXY"\nCMD ["env"]\n`,
  })
  const proxy = { HTTP_PROXY: 'http://secret@one:1', HTTPS_PROXY: 'http://two:2', NO_PROXY: 'localhost' }
  await using image = await built(spooled.source, { proxy })
  expect(image.lines).toContain(`${run}: http://secret@one:1 http://secret@one:1 http://two:2 localhost`)
  expect(JSON.stringify(await engine.docker.getImage(image.imageId).history())).not.toContain('secret@one')
  expect(await outputOf(image.imageId, 'env')).not.toMatch(/proxy/i)
  await using again = await built(spooled.source, { proxy: { HTTP_PROXY: 'http://three:3' } })
  expect(again.imageId).toBe(image.imageId)
})

describe('the disk', () => {
  const folder = async (): Promise<string> => (await engine.about()).dataFolder!
  const free = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(await folder())
    return bavail * bsize
  }

  test('is not filled by a build', async () => {
    await using spooled = await sourceOf({
      Dockerfile: `${from}RUN echo ${Math.random()}; while head -c 20M /dev/zero >> /big; do sleep 0.1; done\n`,
    })
    const before = await free()
    const disk = {
      folder: await folder(),
      least: { bytes: before - 300 * 1024 ** 2, files: 0 },
      cacheBelow: { bytes: 0, files: 0 },
    }
    await expect(built(spooled.source, { disk })).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringMatching(/^The build was stopped because it fills the disk/) as string,
    })
  })
})

test('a lock file that is out of date is said to be', async () => {
  await using spooled = await sourceOf({
    'package.json': JSON.stringify({ name: 'x', scripts: { start: 'x' }, dependencies: { ms: '2.1.3' } }),
    'package-lock.json': JSON.stringify({
      name: 'x',
      lockfileVersion: 3,
      packages: { '': { name: 'x', dependencies: { ms: '2.0.0' } } },
    }),
  })
  await expect(built(spooled.source)).rejects.toMatchObject({
    code: 'BUILD_FAILED',
    hint: 'package-lock.json is out of date: run npm install, commit package-lock.json and push again.',
  })
})

test('a build that prints without end costs neither memory nor the truth about it', async () => {
  await using spooled = await sourceOf({
    Dockerfile: `${from}RUN yes ${'y'.repeat(100)} | head -c 100000000; echo ${Math.random()}\n`,
  })
  const before = process.memoryUsage().rss
  let bytes = 0
  let clipped = false
  await using image = await built(spooled.source, {
    onLine: (line) => {
      bytes += line.length
      clipped ||= line.includes('output clipped')
    },
  })
  expect(image.imageId).toMatch(/^sha256:/)
  expect(clipped).toBe(true)
  expect(bytes).toBeLessThan(20_000_000)
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 ** 2)
}, 120_000)

test('a prebuilt image keeps its config under a name of the app’s own', async () => {
  await using spooled = await sourceOf({
    Dockerfile: `${from}EXPOSE 7000\nUSER 1000\nENTRYPOINT ["/bin/echo"]\nCMD ["hi"]\n`,
  })
  await using prebuilt = await built(spooled.source)
  const { plan, source } = planFromImage(prebuilt.tag)
  const tag = `${prebuilt.tag}-app`
  const options = {
    tag,
    labels: {},
    cacheScope: 'x',
    onLine: () => undefined,
    signal: AbortSignal.timeout(60_000),
  }
  const image = await buildImage(engine, plan, source, options)
  expect(image.port).toBe(7000)
  expect(await engine.images.inspect(tag)).toMatchObject({
    user: '1000',
    entrypoint: ['/bin/echo'],
    command: ['hi'],
  })
  await engine.images.remove(tag)
  expect(() => planFromImage('paas/a0123456789abcde:b1')).toThrow(/another app/)
})

describe.runIf(process.env['PAAS_TEST'] === 'all')('what takes a while, or much of the machine', () => {
  test('a build that eats memory is ended, and told why', { timeout: 120_000 }, async () => {
    await using spooled = await sourceOf({
      Dockerfile: `${from}RUN echo ${Math.random()}; head -c 3G /dev/zero | tail\n`,
    })
    // What live servers have by default, so that other builds of this machine are not cut.
    const limits = { memoryBytes: 2 * 1024 ** 3 }
    await expect(built(spooled.source, { limits })).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      hint: 'It ran out of memory: builds may use 2048 MiB together.',
    })
  })

  test(
    'a source of 500 MB is built in little memory, and one of more than 1 GiB refused',
    { timeout: 300_000 },
    async () => {
      const part = Buffer.alloc(50_000_000, 'x')
      const large = Array.from({ length: 10 }, (_, i) => ({ name: `data/${i}`, content: part }))
      const before = process.memoryUsage().rss
      await using spooled = await sourceOf([
        { name: 'Dockerfile', content: `${from}COPY . /app\nRUN du -s --block-size=1M /app/data\n` },
        ...large,
      ])
      await using image = await built(spooled.source)
      expect(image.lines).toContain('477\t/app/data')
      expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 ** 2)
      const larger = sourceOf([...large, ...large, ...large].map((entry, i) => ({ ...entry, name: `${i}` })))
      await expect(larger).rejects.toMatchObject({
        code: 'SOURCE_REFUSED',
        message: 'The source is larger than 1024 MiB.',
      })
    },
  )
})

/** Whether a `sleep` with this argument runs anywhere on the machine. */
async function sleeping(argument: string): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (line === `sleep\0${argument}\0`) return true
  }
  return false
}

import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { containersOf, docker, engineObjects } from '../../support/docker.ts'
import { commandsOf, everyCommand } from '../../support/every-command.ts'
import { paas, paasJson, probe } from '../../support/instance.ts'
import { appName, type Clone, createLaptop } from '../../support/laptop.ts'
import { eventually } from '../../support/process.ts'

const app = appName('releases')
const laptop = await createLaptop('releases')
const { does, json, refuses } = commandsOf(app)
const prebuilt = `paas-e2e-${app}:v1`

let clone: Clone
let commits: string[] = []
/** What its images are named by. */
let id = ''
const version = (text: string) => ({ 'version.js': `export const version = '${text}'\n` })
beforeAll(async () => {
  clone = await laptop.clone(app)
  for (const text of ['one', 'two']) {
    await clone.deploy(version(text))
    commits = [...commits, (await clone.git('rev-parse', 'HEAD')).trim()]
  }
  const containers = ['ps', '--filter', `name=^/${app}\\.`, '--format', '{{.Label "paas.app"}}']
  id = (await docker(...containers)).split('\n')[0]!
})
afterAll(async () => {
  await laptop[Symbol.asyncDispose]()
  await docker('rmi', '--force', prebuilt)
})

type Release = { version: number; status: string; description: string; commit: string; reason: string | null }
type Build = { id: string; status: string; commit: string; release: number | null; reason: string | null }
const releases = (): Promise<Release[]> => json('releases:list')
const builds = (): Promise<Build[]> => json('builds:list')
const live = async (): Promise<number> =>
  (await releases()).find(({ status }) => status === 'active')!.version
const imagesOf = async (): Promise<number> =>
  (await engineObjects()).images.filter((image) => image.startsWith(`paas/${id}:`)).length

everyCommand(['releases', 'builds'], {
  'releases:list': async () => {
    expect(await releases()).toMatchObject([
      { version: 2, status: 'active', commit: commits[1], createdBy: laptop.name, reason: null },
      { version: 1, status: 'superseded', commit: commits[0] },
    ])
    expect(await does('releases', '-n', '1')).toMatch(/^v2 {2}active {2}Deploy \w{8} {2}\S+ {2}\d+s ago\n$/)
  },

  'releases:info': async () => {
    expect(await json('releases:info')).toMatchObject({
      version: 2,
      app,
      commit: commits[1],
      builder: 'node',
    })
    const first = await does('releases:info', 'v1')
    expect(first).toMatch(/^=== v1: Deploy \w+\nstatus: +superseded\n/)
    expect(first).toMatch(new RegExp(`build: +(\\w+): paas builds:log -a ${app} \\1$`, 'm'))
    expect(first).toMatch(/took: +.*check \d+\.\d s/)
    expect(await does('releases:info', '1')).toBe(first)
  },

  'releases:diff': async () => {
    const diff = await does('releases:diff', 'v1')
    expect(diff).toMatch(/^~ {2}commit {2}\w+ → \w+\n~ {2}image {3}sha256:\w+ → sha256:\w+\n$/)
    expect(await does('releases:diff', 'v1', 'v2')).toBe(diff)
    expect(await does('releases:diff', 'v2', 'v2')).toBe('v2 and v2 do not differ.\n')
  },

  rollback: async () => {
    await does('config:set', 'A=three')
    expect(await does('rollback', 'v1')).toBe(`${app} is back at v1, as v4.\n`)
    expect(await probe(app)).toMatchObject({ version: 'one', release: 'v4' })
    expect(await refuses(3, 'config:get', 'A')).toMatch(/has no config var A/)
    expect(await does('rollback', 'v1')).toBe(`Nothing to change: ${app} is at v1 already, as v4.\n`)
    expect(await live()).toBe(4)
    await does('rollback', 'v3', '--config-only')
    expect([(await probe(app)).version, await does('config:get', 'A')]).toEqual(['one', 'three\n'])
    await does('config:set', 'A=five')
    await does('rollback', 'v3', '--code-only')
    expect([(await probe(app)).version, await does('config:get', 'A')]).toEqual(['two', 'five\n'])
    // Back, and forth.
    await does('rollback')
    expect((await probe(app)).version).toBe('one')
    await does('rollback')
    expect((await probe(app)).version).toBe('two')
  },

  deploy: async () => {
    const before = await live()
    const deployed = await json<{ release: number; commit: string }>('deploy', commits[0]!.slice(0, 10))
    expect(deployed).toMatchObject({ release: before + 1, commit: commits[0] })
    expect((await probe(app)).version).toBe('one')
    await does('deploy', 'main')
    expect((await probe(app)).version).toBe('two')
    expect(await does('deploy')).toBe(`v${before + 3} of ${app} is live: ${commits[1]!.slice(0, 10)}.\n`)
  },

  'deploy --plan': async () => {
    const planned = { ...version('three'), Procfile: 'web: node server.js\nworker: sleep 1000\n' }
    const health = { web: [{ type: 'startup', path: '/facts' }] }
    const env = { WANTED: { required: true }, MADE: { generator: 'secret' } }
    const cron = [{ name: 'nightly', command: 'true', schedule: '@daily' }]
    await clone.commit({
      ...planned,
      'app.json': JSON.stringify({ healthchecks: health, env, cron, formation: { worker: { quantity: 2 } } }),
    })
    // What the deploy before this one has replaced may still be ending.
    await eventually('one container is left', 60_000, async () => (await containersOf(app)).length === 1)
    const before = [await releases(), await builds(), await engineObjects()]
    const plan = () => laptop.paas(['deploy', '--plan'], { cwd: clone.folder })
    const refused = await plan()
    expect(refused.code).toBe(1)
    expect(refused.stdout).toMatch(/it would be refused: app\.json requires WANTED, which is not set/)
    await does('config:set', '--no-restart', 'WANTED=yes')
    const first = await plan()
    expect(first.code, first.output).toBe(0)
    expect(first.stdout).toMatch(/^=== v\d+ would be built with node \(package\.json\)\n/)
    for (const part of [
      /processes: +web=1 worker=0$/,
      new RegExp(`hosts: +${app}\\.`),
      /port: +5000$/,
      /^ {2}~ {2}commit|^ {2}~ {2}image +sha256:\w+ → to be built$/,
      /^ {2}\+ {2}config +MADE$/,
      /^ {2}\+ {2}config +WANTED$/,
      /^ {2}\+ {2}process +worker: sleep 1000$/,
      /^ {2}\+ {2}checks +web$/,
      /^ {2}\+ {2}cron +nightly$/,
    ]) {
      expect(first.stdout).toMatch(new RegExp(part, 'm'))
    }
    expect((await plan()).stdout).toBe(first.stdout)
    expect([await releases(), await builds(), await engineObjects()]).toEqual(before)
    expect((await probe(app)).version).toBe('two')
    await does('config:unset', '--no-restart', 'WANTED')
    await clone.git('reset', '--quiet', '--hard', commits[1]!)
  },

  'builds:list': async () => {
    const [newest] = await builds()
    expect(newest).toMatchObject({ status: 'succeeded', commit: commits[1], release: await live() })
    const [line, ...others] = (await does('builds', '-n', '2')).trim().split('\n')
    expect(line).toMatch(/^b\w{15} {2}succeeded {2}\w{8} {2}root +\d+s ago {2}\d+\.\d s {2}v\d+$/)
    expect(others).toHaveLength(1)
  },

  'builds:log': async () => {
    const newest = await does('builds:log')
    expect(newest).toMatch(/Building with node/)
    const [build] = await builds()
    expect(await does('builds:log', build!.id)).toBe(newest)
  },

  'builds:cancel': async () => {
    await clone.commit({ Dockerfile: `FROM paas/base:trixie\nRUN echo begun && sleep 3632 # ${app}\n` })
    const pushing = clone.startPush()
    await pushing.shows(/begun/)
    const [build] = await builds()
    expect(build).toMatchObject({ status: 'running' })
    expect(await does('builds:cancel')).toBe(`Cancelled ${build!.id}.\n`)
    const { code, output } = await pushing.finished
    expect(code).not.toBe(0)
    expect(output).toMatch(/cancelled by root/i)
    expect(await refuses(3, 'builds:cancel')).toMatch(/No build runs/)
    expect(await refuses(3, 'builds:cancel', build!.id)).toMatch(/has ended already/)
    expect((await builds())[0]).toMatchObject({ id: build!.id, status: 'cancelled', release: null })
    expect((await probe(app)).version).toBe('two')
    await clone.git('reset', '--quiet', '--hard', commits[1]!)
  },

  'builds:set': async () => {
    type Settings = { buildConcurrency: number; buildMinutes: number; buildCpus: number | null }
    const before = await paasJson<Settings>('builds:set')
    try {
      for (let i = 0; i < 2; i++) {
        const set = await paas(['builds:set', '--concurrency', '1', '--timeout', '5', '--cpus', '1.5'])
        expect(set.stdout).toMatch(/at once: +1\ngiven up after: +5 min\n[^]*cores: +1\.5\n/)
      }
      expect(await paasJson('builds:set')).toMatchObject({ buildConcurrency: 1, buildCpus: 1.5 })
    } finally {
      const { buildConcurrency, buildMinutes, buildCpus } = before
      const back = ['--concurrency', String(buildConcurrency), '--timeout', String(buildMinutes)]
      await paas(['builds:set', ...back, '--cpus', String(buildCpus ?? 'all')])
    }
    expect(await paasJson('builds:set')).toEqual(before)
  },

  'builds:clear-cache': async () => {
    for (let i = 0; i < 2; i++) {
      expect(await does('builds:clear-cache')).toBe(`The next build of ${app} starts without a cache.\n`)
    }
    const without = await clone.deploy({ note: '1' })
    expect(without.stderr).not.toMatch(/(?:RUN|COPY).*CACHED/)
    expect((await clone.deploy({ note: '2' })).stderr).toMatch(/(?:RUN|COPY).*CACHED/)
  },

  'git:from-image': async () => {
    const file = join(laptop.folder, 'Dockerfile')
    const serve = `require('http').createServer((_, r) => r.end(JSON.stringify({version:'prebuilt'}))).listen(7171)`
    await writeFile(file, `FROM paas/node:26\nEXPOSE 7171\nCMD ["node", "-e", ${JSON.stringify(serve)}]\n`)
    await docker('build', '--quiet', '--tag', prebuilt, '--file', file, laptop.folder)
    for (let i = 0; i < 2; i++) {
      const before = await live()
      expect(await does('git:from-image', prebuilt)).toBe(`v${before + 1} of ${app} is live: ${prebuilt}.\n`)
      expect((await probe(app)).version).toBe('prebuilt')
    }
    // It is a release like others.
    await does('rollback', `v${(await live()) - 2}`)
    expect((await probe(app)).version).toBe('two')
  },

  'dockerfile:set': async () => {
    for (let i = 0; i < 2; i++) {
      expect(await does('dockerfile:set', '--path', 'docker/Dockerfile.web', '--target', 'last')).toMatch(
        /builds \S+ with docker\/Dockerfile\.web, up to the stage last\.\n$/,
      )
    }
    await refuses(2, 'dockerfile:set', '--path', '../Dockerfile')
    expect(await does('dockerfile:set')).toMatch(/with the Dockerfile at its root/)
  },

  'build-args:set': async () => {
    for (let i = 0; i < 2; i++) expect(await does('build-args:set', 'A=1', 'B=two')).toBe('A  1\nB  two\n')
    await refuses(2, 'build-args:set', 'BUILDKIT_X=1')
  },

  'build-args:list': async () => {
    expect(await json('build-args:list')).toEqual({ app, buildArgs: { A: '1', B: 'two' } })
  },

  'build-args:unset': async () => {
    expect(await does('build-args:unset', 'A')).toBe('B  two\n')
    expect(await refuses(3, 'build-args:unset', 'A')).toMatch(/paas build-args -a/)
    expect(await does('build-args:unset', 'B')).toMatch(/has no build arguments/)
  },

  disk: async () => {
    type Disk = { apps: { app: string; repository: number; total: number }[]; others: unknown }
    const { apps, others } = await paasJson<Disk>('disk')
    const row = apps.find((one) => one.app === app)!
    expect(row.repository).toBeGreaterThan(0)
    expect(row.total).toBeGreaterThanOrEqual(row.repository)
    expect(others).toHaveProperty('volumes')
    expect((await paas(['disk'])).stdout).toMatch(/^APP +IMAGES +CONTAINERS[^]*^of others: volumes/m)
  },

  'releases:set': async () => {
    expect(await imagesOf()).toBeGreaterThan(2)
    await does('releases:set', '--keep', '1')
    // The live one, and the one before it.
    await eventually('the others are gone', 10_000, async () => (await imagesOf()) === 2)
    expect(await does('releases:set', '--keep', '1')).toBe(
      `${app} keeps the images of 1 release; removed: 0.\n`,
    )
    expect(await refuses(3, 'rollback', 'v1')).toMatch(
      /image of v1 is not kept any more[^]*paas deploy -a \S+ \w+/,
    )
    await does('rollback')
    expect((await probe(app)).version).toBe('prebuilt')
    await does('releases:set', '--keep', '10')
  },

  'disk:set': async () => {
    // What images share counts for none of them, so they get something of their own.
    for (const text of ['three', 'four', 'five']) {
      await clone.deploy({ ...version(text), data: randomBytes(1_000_000).toString('hex') })
    }
    const before = await imagesOf()
    const set = await paas(['disk:set', '--image-budget', '1m'])
    try {
      expect(set.stdout).toMatch(/^Images of apps may use 1 MiB; removed: \d+\.\n$/)
      expect(await imagesOf()).toBeLessThan(before)
      const again = await paas(['disk:set', '--image-budget', '1m'])
      expect(again.stdout).toBe('Images of apps may use 1 MiB; removed: 0.\n')
      // The live one, and the one before it, stay whatever the budget.
      await does('rollback')
      expect((await probe(app)).version).toBe('four')
    } finally {
      await paas(['disk:set', '--image-budget', 'none'])
    }
  },
})

import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App } from '../../../src/model/app.ts'
import { ProcessType } from '../../../src/model/names.ts'
import { mustRun } from '../../support/process.ts'
import { startRig, type Rig, webCommand } from './rig.ts'

const web = ProcessType.parse('web')
let rig: Rig
let folder = ''
beforeAll(async () => {
  rig = await startRig()
  folder = await mkdtemp(join(tmpdir(), 'paas-daily-'))
}, 120_000)
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** What the app's first backend answers. */
async function answer(app: string): Promise<string> {
  const { backends } = (await rig.store.routes.get(`${app}.daily.test`))!
  const [response] = (await once(get(backends[0]!, { agent: false }), 'response')) as [IncomingMessage]
  return text(response)
}

const version = async (app: string): Promise<number> =>
  (await rig.json<{ release: { version: number } }>('apps:info', '-a', app)).release.version

describe('a rollback', () => {
  /** v1 and v2 differ in their code, which is the command here, and in config A. */
  async function twoReleases(name: string): Promise<void> {
    const app: App = await rig.app(name)
    await rig.json('config:set', '-a', name, 'A=first')
    const live = (await rig.store.releases.get(app.id, 2))!
    const command = webCommand.replace('process.env.DYNO', "'other code'")
    await rig.store.releases.save(app.id, {
      ...live,
      version: 1,
      status: 'superseded',
      image: { ...live.image, processes: { [web]: { command } } },
      config: { A: rig.store.secrets.seal(app.id, 'A', 'zeroth') },
    })
    expect(await answer(name)).toBe('web.1 first')
  }

  test.each([
    ['both', [], 'other code zeroth', 'Rollback to v1'],
    ['the code only', ['--code-only'], 'other code first', 'Rollback to the code of v1'],
    ['the config only', ['--config-only'], 'web.1 zeroth', 'Rollback to the config of v1'],
  ])('of %s', async (what, flags, expected, description) => {
    const name = `back-${flags.length}-${what.length}`
    await twoReleases(name)
    expect(await rig.json('rollback', '-a', name, 'v1', ...flags)).toMatchObject({
      release: 3,
      rolledBackTo: 1,
    })
    expect(await answer(name)).toBe(expected)
    const [newest] = await rig.json<{ description: string }[]>('releases', '-a', name)
    expect(newest!.description).toBe(description)
    const { stdout } = await rig.paas(['config:get', '-a', name, 'A'])
    expect(stdout.trim()).toBe(expected.split(' ').at(-1))
  })

  test('of the code takes what is set for the next release, of the config gives it up and says so', async () => {
    await twoReleases('staged')
    await rig.json('config:set', '-a', 'staged', '--no-restart', 'A=next')
    await rig.json('rollback', '-a', 'staged', 'v1', '--code-only')
    expect(await answer('staged')).toBe('other code next')
    await rig.json('config:set', '-a', 'staged', '--no-restart', 'B=lost')
    const { stderr } = await rig.paas(['rollback', '-a', 'staged', 'v1'])
    expect(stderr).toContain('B: what was set with --no-restart is given up')
    expect(await answer('staged')).toBe('other code zeroth')
  })

  test('of nothing, of both halves, and to what is not there is refused', async () => {
    await rig.app('new')
    expect((await rig.paas(['rollback', '-a', 'new'])).code).toBe(3)
    expect((await rig.paas(['rollback', '-a', 'new', '--code-only', '--config-only'])).code).toBe(2)
    expect((await rig.paas(['rollback', '-a', 'new', 'v7'])).code).toBe(3)
    expect((await rig.paas(['rollback', '-a', 'new', 'seven'])).code).toBe(2)
    expect(await version('new')).toBe(1)
  })
})

describe('deploy', () => {
  let app: App
  let commits: string[] = []
  beforeAll(async () => {
    app = await rig.app('built')
    const git = (...args: string[]) => mustRun('git', ['-C', folder, ...args])
    const dockerfile = (value: string, command: string) =>
      `FROM ${rig.image}\nENV A=${value}\nCMD ${JSON.stringify(['/bin/sh', '-c', command])}\n`
    await git('init', '--quiet', '--initial-branch=main')
    const contents = [
      dockerfile('one', webCommand),
      dockerfile('two', webCommand),
      dockerfile('three', 'echo goodbye; exit 4'),
      'FROM nowhere.invalid/nothing\n',
    ]
    commits = []
    for (const [i, content] of contents.entries()) {
      await writeFile(join(folder, 'Dockerfile'), content)
      await git('add', '--all')
      await git('-c', 'user.name=T', '-c', 'user.email=t@example.com', 'commit', '--quiet', '-m', String(i))
      commits.push((await git('rev-parse', 'HEAD')).trim())
    }
    await git('tag', 'v1.0', commits[0]!)
    await git('reset', '--quiet', '--hard', commits[1]!)
    await git('branch', 'broken', commits[2]!)
    await git('branch', 'unbuildable', commits[3]!)
    await mustRun('git', ['clone', '--quiet', '--bare', folder, join(rig.paths.repos, `${app.id}.git`)])
  }, 60_000)

  test('has nothing to build again before the first push', async () => {
    const { code, output } = await rig.paas(['deploy', '-a', 'built'])
    expect([code, output]).toEqual([3, expect.stringContaining('git push paas main')])
  })

  test('makes a tag, a branch or a commit live, and the live one again', async () => {
    expect(await rig.json('deploy', '-a', 'built', 'v1.0')).toEqual({
      app: 'built',
      release: 2,
      commit: commits[0],
    })
    expect(await answer('built')).toBe('web.1 one')
    await rig.json('deploy', '-a', 'built', 'main')
    expect(await answer('built')).toBe('web.1 two')
    expect(await rig.json('deploy', '-a', 'built')).toMatchObject({ release: 4, commit: commits[1] })
    expect(await answer('built')).toBe('web.1 two')
    await rig.json('ps:rebuild', '-a', 'built', commits[0]!.slice(0, 10))
    expect(await answer('built')).toBe('web.1 one')
    const builds = await rig.json<{ commit: string; status: string }[]>('builds', '-a', 'built')
    expect(builds.map(({ commit, status }) => [commit, status])).toEqual(
      [0, 1, 1, 0].map((i) => [commits[i], 'succeeded']),
    )
  })

  test('of what does not come up leaves what was, and says why, once', async () => {
    const failed = await rig.paas(['deploy', '-a', 'built', 'broken'])
    expect(failed.code).toBe(1)
    expect(failed.output.match(/built\.web\.1\S+ exited with code 4/g)).toHaveLength(1)
    expect(failed.output).toMatch(/last output of built\.web\.1[^]*goodbye[^]*exited with code 4/)
    expect((await rig.paas(['deploy', '-a', 'built', 'unbuildable'])).code).toBe(1)
    expect(await answer('built')).toBe('web.1 one')
  })

  test('of what is not there, is no name, or is locked is refused', async () => {
    const before = await version('built')
    for (const name of ['nothing', '--output=/tmp/x', 'main:Dockerfile', '$(id)', '../x', 'a\nb']) {
      const { code } = await rig.paas(['deploy', '-a', 'built', '--', name])
      expect(code, name).toBe(3)
    }
    expect((await rig.paas(['deploy', '-a', 'built', '-'], { input: 'tar' })).code).toBe(2)
    await rig.json('apps:lock', '-a', 'built', 'moving')
    expect((await rig.paas(['deploy', '-a', 'built'])).code).toBe(5)
    await rig.json('apps:unlock', '-a', 'built')
    expect(await version('built')).toBe(before)
  })
})

test('destroying an app names the storage that goes with it', async () => {
  const app = await rig.app('stored')
  await rig.store.apps.save({
    ...(await rig.store.apps.get(app.id))!,
    mounts: [
      { name: 'uploads', path: '/app/uploads' },
      { name: 'cache', path: '/app/cache' },
    ],
  })
  const asked = await rig.paas(['apps:destroy', '-a', 'stored'])
  expect([asked.code, asked.stderr]).toEqual([
    2,
    expect.stringContaining('storage (uploads, cache) for good'),
  ])
  expect((await rig.paas(['apps:info', '-a', 'stored'])).code).toBe(0)
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { brokenApps, goodApp } from '../support/broken-apps.ts'
import { containersOf } from '../support/docker.ts'
import { get, hostOf, instance, paas, paasJson, probe } from '../support/instance.ts'
import { appName, type Clone, createLaptop } from '../support/laptop.ts'
import { traces } from '../support/leftovers.ts'
import { startLoad } from '../support/load.ts'
import { eventually } from '../support/process.ts'

const laptop = await createLaptop('broken')
afterAll(() => laptop[Symbol.asyncDispose]())

describe('a broken deploy of an app that serves', () => {
  const app = appName('broken')
  let clone: Clone
  let good: string
  beforeAll(async () => {
    clone = await laptop.clone(app, { files: goodApp })
    await clone.deploy()
    good = (await clone.git('rev-parse', 'HEAD')).trim()
  })

  test.each(brokenApps)('that $what is refused, and nothing of it stays', async ({ files, says }) => {
    const { version } = await probe(app)
    const live = (await clone.git('ls-remote', 'paas')).trim()
    const all = { all: true }
    await eventually('what was retired is gone', 35_000, async () => {
      return (await containersOf(app, all)).length === 2
    })
    const before = await traces()
    const load = startLoad({ port: instance.httpPort, host: hostOf(app), perSecond: 20, connections: 4 })

    await clone.commit(files)
    const push = await clone.push()
    const report = await load.stop()
    expect(push.output).toContain('[remote rejected] main -> main')
    expect(push.code).not.toBe(0)
    for (const pattern of says) expect(push.output).toMatch(pattern)

    expect(report.failures).toEqual([])
    expect([...report.versions.keys()]).toEqual([version])
    expect(await traces()).toEqual(before)
    expect((await clone.git('ls-remote', 'paas')).trim()).toBe(live)

    const next = `${Number(version) + 1}`
    await clone.git('restore', `--source=${good}`, '.')
    await clone.deploy({ 'version.js': `export const version = '${next}'\n` })
    expect((await probe(app)).version).toBe(next)
  })

  test('shows as failed among the releases, with the reason', async () => {
    const releases = await paasJson<{ status: string; reason?: string }[]>('releases:list', '-a', app)
    expect(releases.filter(({ status }) => status === 'active')).toHaveLength(1)
    const reasons = releases.filter(({ status }) => status === 'failed').map(({ reason }) => reason)
    expect(reasons.join('\n')).toMatch(/exited with code 1/)
    expect(releases.filter(({ status }) => status === 'pending')).toEqual([])
  })
})

test('a config change that the app does not come up with leaves the old values in force', async () => {
  const app = appName('picky')
  const clone = await laptop.clone(app, { files: goodApp })
  await clone.deploy({
    'server.js': `if (process.env.MODE === 'bad') throw new Error('MODE cannot be bad')\n${await clone.git('show', 'HEAD:server.js')}`,
  })
  await eventually('it answers', 5000, () => probe(app))
  const before = await traces()
  const failed = await paas(['config:set', '-a', app, 'MODE=bad'])
  expect(failed.code).toBe(1)
  expect(failed.output).toMatch(/MODE cannot be bad/)
  expect((await probe(app)).release).toBe('v1')
  expect(await traces()).toEqual(before)
  expect((await paas(['config:set', '-a', app, 'MODE=good'])).code).toBe(0)
  expect(JSON.parse((await get(hostOf(app), '/environment')).body)).toMatchObject({ MODE: 'good' })
})

test('a first push that is broken leaves an app without a release, and the next one is live', async () => {
  const app = appName('first')
  const clone = await laptop.clone(app, { files: { ...goodApp, Procfile: 'web: exit 5\n' } })
  const push = await clone.push()
  expect(push.code).not.toBe(0)
  expect(await containersOf(app, { all: true })).toEqual([])
  expect((await get(hostOf(app))).status).toBe(404)
  await clone.deploy({ Procfile: goodApp['Procfile']! })
  expect((await probe(app)).version).toBe('1')
})

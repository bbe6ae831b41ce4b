import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { authorise } from '../../../src/api/authorise.ts'
import { runCommandLine } from '../../../src/commands/program.ts'
import { commands } from '../../../src/commands/registry.ts'
import { PaasError } from '../../../src/errors/paas-error.ts'
import { randomId } from '../../../src/lib/ids.ts'
import { App } from '../../../src/model/app.ts'
import { Release } from '../../../src/model/release.ts'
import { platformWithoutEngine } from '../../support/platform.ts'
import { startState } from '../../support/redis.ts'
import { caller } from '../../unit/commands/context.ts'

/** Each takes a third of a second; all of them: PAAS_TEST=all. */
const kills = process.env['PAAS_TEST'] === 'all' ? 50 : 8

/** Something that was acknowledged, and how to see that it is there. */
type Acknowledged = { what: string; isThere: () => Promise<boolean> }

test(`every command that was acknowledged is there after ${kills} kill -9 of Redis`, async () => {
  await using state = await startState()
  const { store } = state
  const platform = platformWithoutEngine(state)
  const acknowledged: Acknowledged[] = []
  let number = 0

  /** Commands as people give them. */
  async function create(): Promise<Acknowledged> {
    const name = `made-${number++}`
    await runCommandLine(commands, ['apps:create', name], { ...caller().context, platform }, authorise)
    return { what: name, isThere: async () => (await store.apps.list()).some((app) => app.name === name) }
  }

  /** A release with its app, its config and its route: what a deploy writes, in its transactions. */
  async function deploy(): Promise<Acknowledged> {
    const id = randomId('a')
    const app = App.parse({
      ...{ id, name: `app-${number++}`, createdAt: '2026-11-20T12:00:00.000Z' },
      ...{ formation: {}, domains: [], lastRelease: 1 },
    })
    const host = `${app.name}.paas.test`
    const image = {
      id: 'sha256:0',
      tag: `paas/${id}:b`,
      builder: 'node',
      processes: {},
      checks: {},
      port: 5000,
    }
    const release = Release.parse({
      ...{ version: 1, createdAt: app.createdAt, createdBy: 'root', description: 'Deploy' },
      ...{ image, config: {}, status: 'pending' },
    })
    await store.apps.create(app)
    await store.releases.create(app, release)
    await store.switchTo({
      app: { ...app, currentRelease: 1 },
      releases: [{ ...release, status: 'active' }],
      routes: [{ host, identifier: app.name, backends: ['http://172.31.0.2:5000'] }],
      config: { A: 'sealed' },
    })
    return {
      what: app.name,
      isThere: async () =>
        (await store.apps.get(app.id))?.currentRelease === 1 &&
        (await store.releases.get(app.id, 1))?.status === 'active' &&
        (await store.apps.config(app.id))['A'] === 'sealed' &&
        (await store.routes.get(host))?.backends.length === 1,
    }
  }

  /** Writes until Redis is gone; only what was acknowledged counts. */
  async function write(one: () => Promise<Acknowledged>): Promise<void> {
    for (;;) {
      try {
        acknowledged.push(await one())
      } catch (error) {
        if (!(error instanceof PaasError) || error.code !== 'STATE_UNREACHABLE') throw error
        return
      }
    }
  }

  for (let kill = 0; kill < kills; kill++) {
    const seen = acknowledged.length
    const writing = Promise.all([write(create), write(deploy), write(deploy)])
    // Each kill comes at another moment of the writes.
    await sleep(5 + ((kill * 13) % 40))
    await state.kill()
    await writing
    await state.start()
    for (const { what, isThere } of acknowledged.slice(seen)) expect(await isThere(), what).toBe(true)
    // A transaction that was cut off is there whole or not at all.
    const ids = Object.values(await state.redis.hgetall('paas:apps'))
    expect(await state.redis.exists('paas:none', ...ids.map((id) => `paas:app:${id}`))).toBe(ids.length)
  }
  expect(acknowledged.length).toBeGreaterThan(kills)
  for (const { what, isThere } of acknowledged) expect(await isThere(), what).toBe(true)
  console.log(`${acknowledged.length} acknowledged writes, ${kills} kills, none lost`)
})

import { createReadStream } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PaasError } from '../../../src/errors/paas-error.ts'
import { App } from '../../../src/model/app.ts'
import { prepareState } from '../../../src/recovery/prepare-state.ts'
import { planRestore, putInPlace, unpackBackup } from '../../../src/recovery/restore.ts'
import { listStateBackups, writeStateBackup } from '../../../src/recovery/state-backups.ts'
import { dumpState } from '../../../src/store/dump.ts'
import { schemaVersion } from '../../../src/store/schema.ts'
import { watchEpoch } from '../../../src/store/epoch.ts'
import { platformWithoutEngine } from '../../support/platform.ts'
import { startState, type State } from '../../support/redis.ts'
import { type ServiceContext } from '../../../src/services/context.ts'

const masterKey = Buffer.alloc(32, 1)

async function platformOf(state: State, now = () => new Date()) {
  await writeFile(state.paths.masterKey, masterKey)
  const platform = { ...platformWithoutEngine(state), now }
  const context: ServiceContext = {
    ...{ platform, actor: 'test', signal: new AbortController().signal },
    ...{ report: () => undefined, say: () => undefined },
  }
  return { platform, context }
}

test('a backup is sealed, its owner’s alone, and restores what was there', async () => {
  await using state = await startState()
  const { platform, context } = await platformOf(state)
  await state.redis.set('paas:epoch', 'one')
  await state.redis.hset('paas:config', { A: 'canary-5e1f' })
  await state.redis.rpush('frontend:by-hand.example', 'me', 'http://10.0.0.1:80')
  const before = await dumpState(state.redis)

  const made = await writeStateBackup(platform, 'asked')
  expect((await stat(made.file)).mode & 0o777).toBe(0o600)
  expect((await stat(state.paths.stateBackups)).mode & 0o777).toBe(0o700)
  expect((await readFile(made.file)).includes('canary-5e1f')).toBe(false)
  expect(await listStateBackups(state.paths)).toEqual([made])

  await state.redis.del('paas:config', 'frontend:by-hand.example')
  await state.redis.set('paas:app:unreadable', 'not json')
  const unpacked = await unpackBackup(platform, createReadStream(made.file), masterKey)
  expect(await planRestore(platform, unpacked)).toContainEqual(
    expect.objectContaining({ of: 'route', name: 'by-hand.example', change: 'comes' }),
  )
  await putInPlace(unpacked, context)
  expect(await dumpState(state.redis)).toEqual([
    ...before,
    { key: 'paas:route:version', type: 'string', value: '0' },
    { key: 'paas:schema', type: 'string', value: `${schemaVersion}` },
  ])
})

test('no version of the route table comes again, and routes of apps only with what runs', async () => {
  await using state = await startState()
  const { platform, context } = await platformOf(state)
  const app = App.parse({
    ...{ id: 'a00000000000000a', name: 'blog', createdAt: '2026-11-20T12:00:00.000Z' },
    ...{ formation: {}, domains: [], lastRelease: 0 },
  })
  const { apps, routes } = state.store
  const route = { host: 'blog.paas.test', identifier: 'blog', backends: ['http://172.31.0.2:5000'] }
  await apps.create(app)
  await routes.set({ set: [route], remove: [] })
  const made = await writeStateBackup(platform, 'asked')
  const version = await routes.set({ set: [], remove: ['another.paas.test'] })
  await putInPlace(await unpackBackup(platform, createReadStream(made.file), masterKey), context)
  expect(await apps.list()).toEqual([app])
  expect(await routes.all()).toEqual([])
  expect(await routes.set({ set: [], remove: [] })).toBeGreaterThan(version)
})

test('one that is not whole is never listed, and does not stay', async () => {
  await using state = await startState()
  const { platform } = await platformOf(state)
  await writeStateBackup(platform, 'hourly')
  const names = () => readdir(state.paths.stateBackups)
  await writeFile(join(state.paths.stateBackups, '20261120-101010-hourly.state.part'), 'half')
  expect(await listStateBackups(state.paths)).toHaveLength(1)
  await state.kill()
  await expect(writeStateBackup(platform, 'asked')).rejects.toMatchObject({ code: 'STATE_UNREACHABLE' })
  expect((await names()).filter((name) => name.includes('asked'))).toEqual([])
  await state.start()
  await writeStateBackup(platform, 'upgrade')
  expect((await names()).filter((name) => name.endsWith('.part'))).toEqual([])
})

test('as many stay as the settings say', async () => {
  await using state = await startState()
  let hour = 0
  const { platform } = await platformOf(state, () => new Date(Date.UTC(2026, 10, 1) + hour * 3_600_000))
  await state.store.settings.save({
    ...(await state.store.settings.get()),
    keepStateBackups: { hours: 3, days: 2 },
  })
  for (hour = 0; hour < 80; hour += 1) await writeStateBackup(platform, 'hourly')
  const kept = (await listStateBackups(state.paths)).map(({ createdAt }) => createdAt.slice(5, 13))
  expect(kept).toEqual(['11-04T07', '11-04T06', '11-04T05', '11-03T23'])
})

test('an older state is backed up, then brought up to date; a newer one is refused, but for the way back', async () => {
  await using state = await startState()
  const { platform } = await platformOf(state)
  const epoch = watchEpoch(state.redis, state.paths.epoch)
  await state.redis.hset('paas:config', { A: 'sealed' })

  await Promise.all([
    prepareState(platform, epoch).verify(),
    prepareState(platform, epoch).admit('apps:list'),
  ])
  expect(await state.redis.get('paas:schema')).toBe(`${schemaVersion}`)
  const [backup] = await listStateBackups(state.paths)
  expect(backup?.reason).toBe('migration')
  const unpacked = await unpackBackup(platform, createReadStream(backup!.file), masterKey)
  expect(unpacked.records.find(({ key }) => key === 'paas:config')).toBeDefined()

  await state.redis.set('paas:schema', `${schemaVersion + 1}`)
  const newer = prepareState(platform, epoch)
  await expect(newer.admit('apps:list')).rejects.toMatchObject({ code: 'STATE_NEWER' })
  await expect(newer.verify()).rejects.toThrow(PaasError)
  for (const command of ['doctor', 'server:backups', 'server:restore']) await newer.admit(command)
  await state.redis.set('paas:schema', `${schemaVersion}`)
  await newer.admit('apps:list')
})

test('a Redis that has lost its data gets no layout, and no backup takes the place of one that has it', async () => {
  await using state = await startState()
  const { platform } = await platformOf(state)
  const prepared = prepareState(platform, watchEpoch(state.redis, state.paths.epoch))
  await prepared.verify()
  await state.redis.del('paas:epoch', 'paas:schema')
  const again = prepareState(platform, watchEpoch(state.redis, state.paths.epoch))
  await expect(again.verify()).rejects.toMatchObject({
    code: 'STATE_CORRUPT',
    hint: expect.stringContaining('server:restore') as string,
  })
  expect(await state.redis.exists('paas:schema')).toBe(0)
})

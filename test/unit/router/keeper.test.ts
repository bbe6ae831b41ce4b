import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSnapshotKeeper } from '../../../src/router/table/keeper.ts'
import { createRouteTable, TableRoute } from '../../../src/router/table/route-table.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-keeper-'))
})
afterAll(() => rm(directory, { recursive: true }))

function keeping(path: string) {
  const table = createRouteTable(
    () => undefined,
    () => undefined,
  )
  const redis = { version: 1, settled: true, connected: true }
  const problems: string[] = []
  const keeper = createSnapshotKeeper(
    table,
    { path, source: '127.0.0.1:6379/0#' },
    () => redis,
    (message) => problems.push(message),
  )
  /** Another one for each file that takes the place of the last. */
  const inode = async (): Promise<number | undefined> =>
    (await stat(path).catch(() => ({ ino: undefined }))).ino
  const add = (host: string): void => {
    table.set(new TableRoute(host, ['app', 'http://10.0.0.1:80'], undefined))
    keeper.changed()
  }
  return { redis, problems, keeper, inode, add }
}

test('a large table that changes all the time is not written all the time, until Redis is away', async () => {
  const path = join(directory, 'large')
  const { redis, keeper, inode, add } = keeping(path)
  for (let i = 0; i < 50_000; i += 1) add(`host-${i}.test`)
  await keeper.save()
  const first = await inode()
  add('new.test')
  await keeper.save()
  expect(await inode()).toBe(first)
  redis.connected = false
  await keeper.save()
  const second = await inode()
  expect(second).not.toBe(first)
  expect(await readFile(path, 'utf8')).toContain('new.test')
  // Nothing has changed since.
  await keeper.save()
  expect(await inode()).toBe(second)
  // But a version says as much as its changes.
  redis.version = 2
  await keeper.save()
  expect(await readFile(path, 'utf8')).toContain('"version":2')
})

test('a table that may be of two states of Redis is not written', async () => {
  const path = join(directory, 'unsettled')
  const { redis, keeper, inode, add } = keeping(path)
  redis.settled = false
  add('a.test')
  await keeper.save()
  expect(await inode()).toBeUndefined()
  redis.settled = true
  await keeper.save()
  expect(await inode()).toBeDefined()
})

test('what could not be written is written once it can be', async () => {
  const parent = join(directory, 'file')
  await writeFile(parent, '')
  const { redis, problems, keeper, inode, add } = keeping(join(parent, 'routes'))
  add('a.test')
  await keeper.save()
  expect(problems.join()).toContain('the snapshot was not written')
  await rm(parent)
  redis.connected = false
  await keeper.save()
  expect(await inode()).toBeDefined()
})

test('the last state is written at the end, however soon after the one before', async () => {
  const path = join(directory, 'end')
  const { keeper, add } = keeping(path)
  for (let i = 0; i < 20_000; i += 1) add(`host-${i}.test`)
  const first = keeper.save()
  add('during.test')
  await keeper.finish()
  await first
  expect(await readFile(path, 'utf8')).toContain('during.test')
  add('after.test')
  await keeper.save()
  expect(await readFile(path, 'utf8')).not.toContain('after.test')
  await keeper.finish()
  expect(await readFile(path, 'utf8')).toContain('after.test')
})

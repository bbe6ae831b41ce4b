import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRouteTable, TableRoute } from '../../../src/router/table/route-table.ts'
import { readSnapshot, writeSnapshot } from '../../../src/router/table/snapshot.ts'
import { mustRun } from '../../support/process.ts'

const source = '127.0.0.1:6379/0#'

const emptyTable = () =>
  createRouteTable(
    () => undefined,
    () => undefined,
  )
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-snapshot-'))
})
afterAll(() => rm(directory, { recursive: true }))

test('what was written is read; a route that could not be read is not kept', async () => {
  const path = join(directory, 'routes')
  const table = emptyTable()
  table.set(new TableRoute('a.test', ['a', 'http://10.0.0.1:80'], undefined))
  const options = { balance: 'random', weights: [1, 0.5], sticky: true, maxInFlight: undefined } as const
  table.set(new TableRoute('b.test', ['b'], { ...options, weights: [...options.weights] }))
  table.set(new TableRoute('odd.test', undefined, undefined))
  await writeSnapshot(path, { version: 7, source }, table)
  const read = emptyTable()
  expect(await readSnapshot(path, '127.0.0.1:6380/0#', read)).toBeUndefined()
  expect(await readSnapshot(path, source, read)).toEqual({ version: 7, whole: true })
  expect([...read.routes()].map(({ host, urls }) => [host, urls])).toEqual([
    ['a.test', ['http://10.0.0.1:80']],
    ['b.test', []],
  ])
  expect(read.get('b.test')!.options).toEqual(options)
  expect(read.get('a.test')!.options).toBeUndefined()
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.slice(0, text.indexOf('b.test')))
  const cut = emptyTable()
  expect(await readSnapshot(path, source, cut)).toEqual({ version: 7, whole: false })
  expect(cut.size()).toBe(1)
})

test('what cannot be written is told of in the same words each time', async () => {
  const path = join(directory, 'folder')
  await mkdir(path)
  const write = () => writeSnapshot(path, { version: 1, source: 'x' }, emptyTable()).catch(String)
  expect(await write()).toBe(await write())
})

test('a pipe in the place of a snapshot is none', async () => {
  const path = join(directory, 'pipe')
  await mustRun('mkfifo', [path])
  expect(await readSnapshot(path, source, emptyTable())).toBeUndefined()
})

test('a disk without room for all of it keeps the snapshot before', async () => {
  const disk = join(directory, 'disk')
  await mkdir(disk)
  await mustRun('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])
  try {
    const path = join(disk, 'routes')
    const table = emptyTable()
    table.set(new TableRoute('a.test', ['a', 'http://10.0.0.1:80'], undefined))
    await writeSnapshot(path, { version: 1, source }, table)
    for (let i = 0; i < 3000; i += 1)
      table.set(new TableRoute(`host-${i}.test`, ['a', 'http://10.0.0.1:80'], undefined))
    await expect(writeSnapshot(path, { version: 2, source }, table)).rejects.toThrow('ENOSPC')
    expect(await readdir(disk)).toEqual(['routes'])
    expect(await readSnapshot(path, source, emptyTable())).toEqual({ version: 1, whole: true })
  } finally {
    await mustRun('umount', [disk])
  }
})

test.each([
  ['', undefined],
  ['null', undefined],
  ['[]\n["a.test","a","http://10.0.0.1"]', undefined],
  ['{"format":"paas-routes-9","version":1}\n["a.test","a"]', undefined],
  ['{"format":"paas-routes-1","version":-1}\n', undefined],
  // Files of before the count.
  ['{"format":"paas-routes-1","version":3}\n["a.test","a"]\n[1]\n["x"]\n{}\nnu', { version: 3, whole: true }],
])('%j', async (text, expected) => {
  const path = join(directory, 'other')
  await writeFile(path, text)
  const table = emptyTable()
  expect(await readSnapshot(path, source, table)).toEqual(expected)
  expect(table.size()).toBe(expected === undefined ? 0 : 1)
})

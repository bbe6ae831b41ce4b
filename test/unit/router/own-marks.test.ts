import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Backend } from '../../../src/router/forward/backend.ts'
import { createOwnMarks } from '../../../src/router/health/own-marks.ts'
import { createRouteTable, TableRoute } from '../../../src/router/table/route-table.ts'
import { limits, shared } from './support/backend.ts'

const url = 'http://b:1'

/** Hosts of one backend, beside another, and the marks of it in Redis, which are there at once and confirmed later. */
function scene(hosts: string[], { writeMs = 0, takeBackMs = 0, checked = '' } = {}) {
  const backend = new Backend(url, { host: 'b', port: 1, tls: false }, limits, shared)
  const table = createRouteTable(
    () => backend,
    () => undefined,
  )
  for (const host of hosts) table.set(new TableRoute(host, ['app', url, 'http://c:1'], undefined))
  const redis = new Set<string>()
  const written = {
    async markDead({ host }: { host: string }) {
      redis.add(host)
      await sleep(writeMs)
      return true
    },
    async unmarkDead(host: string) {
      redis.delete(host)
      await sleep(takeBackMs)
    },
    checkerLives: async () => false,
  }
  return { backend, redis, table, marks: createOwnMarks(table, written, 30_000, (host) => host === checked) }
}

test('marks that are made while older ones are taken back stay', async () => {
  const { backend, redis, marks } = scene(['a.test', 'b.test'], { takeBackMs: 20 })
  backend.unreachable = 'refused'
  for (const host of ['a.test', 'b.test']) marks.mark(host, 0, backend)
  await sleep(5)
  backend.unreachable = undefined
  const takenBack = marks.takeBack(backend, undefined)
  await sleep(5)
  marks.mark('b.test', 0, backend)
  await takenBack
  expect([...redis]).toEqual(['b.test'])
  await marks.takeBack(backend, undefined)
  expect([...redis]).toEqual([])
})

test('hosts that clients make up for a wildcard get few marks, others get theirs', async () => {
  const { backend, redis, marks } = scene(['*.wild.test', 'a.test'], { writeMs: 20 })
  // At once, and once those are written.
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 100; i += 1) marks.mark(`made-up-${i}.wild.test`, 0, backend)
    expect(redis.size).toBe(32)
    await sleep(40)
  }
  marks.mark('a.test', 0, backend)
  expect(redis.has('a.test')).toBe(true)
})

test('who ends takes back what it has marked, and nothing that others watch over', async () => {
  const { backend, redis, marks } = scene(['a.test', 'checked.test'], { checked: 'checked.test' })
  backend.unreachable = 'refused'
  for (const host of ['a.test', 'checked.test']) marks.mark(host, 0, backend)
  await sleep(5)
  expect([...redis]).toEqual(['a.test', 'checked.test'])
  await marks.close()
  expect([...redis]).toEqual(['checked.test'])
})

test('a mark that somebody has made anew without an end stays', async () => {
  const { backend, redis, table, marks } = scene(['a.test', 'b.test'])
  backend.unreachable = 'refused'
  for (const host of ['a.test', 'b.test']) marks.mark(host, 0, backend)
  await sleep(5)
  table.setDead('a.test', { indexes: new Set([0]), until: Infinity })
  table.setDead('b.test', { indexes: new Set([0]), until: performance.now() + 1000 })
  backend.unreachable = undefined
  await marks.takeBack(backend, undefined)
  expect([...redis]).toEqual(['a.test'])
})

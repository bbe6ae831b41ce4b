import { expect, test } from 'vitest'
import { type LogLine } from '../../../src/logs/line.ts'
import { merge } from '../../../src/logs/merge.ts'

const line = (time: string): LogLine => ({
  time: `2026-11-${time}.000000000Z`,
  source: 'app',
  process: 'web.1',
  stream: 'stdout',
  text: time,
})
const merged = (rings: string[][], now: string): string[] =>
  merge(
    rings.map((times) => times.map(line)),
    new Date(`2026-11-${now}Z`),
  ).map(({ text }) => text)

test('lines of two rings come by time, also those that were taken late', () => {
  const app = ['20T12:00:00', '20T12:00:05', '20T12:00:03', '20T12:00:09']
  const router = ['20T12:00:01', '20T12:00:04']
  expect(merged([app, router], '20T12:01:00')).toEqual([...app, ...router].sort())
})

test('what a clock that was a day ahead has said stays before what was said since', () => {
  const app = ['20T12:00:00', '21T12:00:10', '21T12:00:20', '20T12:00:30', '20T12:00:40']
  const router = ['20T12:00:01', '21T12:00:11']
  const found = merged([app, router], '20T12:00:45')
  expect(found.filter((time) => app.includes(time))).toEqual(app)
  expect(merged([app], '20T12:00:45').at(-1)).toBe('20T12:00:40')
  // One that has said nothing since cannot be told apart from now.
  expect(found.filter((time) => router.includes(time))).toEqual(router)
})

import { expect, test } from 'vitest'
import { compare } from '../../../src/backups/drill.ts'
import { nextRun } from '../../../src/backups/schedule.ts'
import { parseContents } from '../../../src/services/contents.ts'

const part = { name: 'db1', counts: { before: { a: 3, b: 10 }, after: { a: 3, b: 20 } } }

test('a copy holds what was there, or what lies between before and after', () => {
  expect(() => compare(part, { a: 3, b: 14 })).not.toThrow()
  expect(() => compare(part, { a: 2, b: 14 })).toThrow('db1: a has 2, and should have 3')
  expect(() => compare(part, { a: 3, b: 21 })).toThrow('10 to 20')
  expect(() => compare(part, { a: 3 })).toThrow('b has 0')
  expect(() => compare(part, { a: 3, b: 10, c: 1 })).toThrow('c has 1, and should have 0')
})

test('counts are read from lines with a tab, and nothing else', () => {
  expect(parseContents('Welcome\ntable public.a\t12\n\ntable x y\t0\nbad\tline\n')).toEqual({
    'table public.a': 12,
    'table x y': 0,
  })
})

test('a schedule is a crontab line in UTC', () => {
  expect(nextRun('@daily', new Date('2026-11-20T17:00:00Z')).toISOString()).toBe('2026-11-21T00:00:00.000Z')
  expect(nextRun('30 3 * * *', new Date('2026-11-20T03:30:00Z')).toISOString()).toBe(
    '2026-11-21T03:30:00.000Z',
  )
  for (const bad of ['', 'now', '61 * * * *', '* * * *', '0 0 31 2 *']) {
    expect(() => nextRun(bad, new Date('2026-11-20T00:00:00Z')), bad).toThrow()
  }
})

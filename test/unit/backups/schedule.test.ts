import { expect, test } from 'vitest'
import { dueAfter } from '../../../src/backups/schedule.ts'

const daily = '30 3 * * *'
const at = (text: string): Date => new Date(`2026-11-${text}Z`)

test('a schedule is due once its time has come since the newest of what there is', () => {
  const made = ['2026-11-18T03:30:05.000Z', '2026-11-20T03:30:05.000Z', '2026-11-19T03:30:05.000Z']
  expect(dueAfter(daily, made, at('21T03:29:59'))).toBe(false)
  expect(dueAfter(daily, made, at('21T03:30:00'))).toBe(true)
})

test('what a clock that was ahead has left is no reason to wait for it', () => {
  const ahead = '2026-12-24T03:30:05.000Z'
  expect(dueAfter(daily, ['2026-11-20T03:30:05.000Z', ahead], at('20T12:00:00'))).toBe(false)
  expect(dueAfter(daily, ['2026-11-20T03:30:05.000Z', ahead], at('21T03:30:00'))).toBe(true)
  expect(dueAfter(daily, [ahead], at('20T12:00:00'))).toBe(true)
})

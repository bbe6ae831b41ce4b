import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keptBackups, type Reason } from '../../../src/recovery/state-backups.ts'

const at = (time: string, reason: Reason = 'hourly') => ({
  file: `${time}-${reason}`,
  createdAt: time,
  reason,
})
const newestFirst = <T extends { createdAt: string }>(backups: T[]): T[] =>
  backups.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1))

const always = '9999'

describe('keptBackups', () => {
  test('keeps the newest of each hour and of each day', () => {
    const days = ['2026-11-18', '2026-11-19', '2026-11-20']
    const hours = ['01', '02', '03']
    const all = newestFirst(days.flatMap((day) => hours.map((hour) => at(`${day}T${hour}:00:00.000Z`))))
    const kept = all.filter(({ file }) => keptBackups(all, { hours: 2, days: 3 }, always).has(file))
    expect(kept.map(({ createdAt }) => createdAt.slice(0, 13))).toEqual([
      '2026-11-20T03',
      '2026-11-20T02',
      '2026-11-19T03',
      '2026-11-18T03',
    ])
  })

  test('keeps the five newest that were made for a reason of their own, whatever their age', () => {
    const hourly = Array.from({ length: 9 }, (_, i) => at(`2026-11-20T0${i}:30:00.000Z`))
    const others = Array.from({ length: 7 }, (_, i) => at(`2025-01-0${i + 1}T00:00:00.000Z`, 'upgrade'))
    const all = newestFirst([...hourly, ...others])
    const kept = keptBackups(all, { hours: 1, days: 1 }, always)
    expect(
      others.filter(({ file }) => kept.has(file)).map(({ createdAt }) => createdAt.slice(0, 10)),
    ).toEqual(['2025-01-03', '2025-01-04', '2025-01-05', '2025-01-06', '2025-01-07'])
  })

  test('keeps what a clock that was ahead has made, in no place of another one', () => {
    const hourly = Array.from({ length: 9 }, (_, i) => at(`2026-11-20T0${i}:30:00.000Z`))
    const ahead = Array.from({ length: 9 }, (_, i) => at(`2026-11-21T0${i}:30:00.000Z`))
    const all = newestFirst([...hourly, ...ahead])
    const kept = keptBackups(all, { hours: 2, days: 0 }, '2026-11-20T08:30:00.000Z')
    expect([...kept].sort()).toEqual([...hourly.slice(-2), ...ahead].map(({ file }) => file))
  })

  test('never gives up the newest, keeps no more than it may, and the same when asked again', () => {
    const times = fc.array(
      fc.record({
        minutes: fc.integer({ min: 0, max: 60 * 24 * 40 }),
        reason: fc.constantFrom<Reason>('hourly', 'asked', 'migration', 'upgrade'),
      }),
      { minLength: 1, maxLength: 60 },
    )
    const keep = fc.record({ hours: fc.integer({ min: 1, max: 30 }), days: fc.integer({ min: 0, max: 10 }) })
    fc.assert(
      fc.property(times, keep, (found, limits) => {
        const all = newestFirst(
          found.map(({ minutes, reason }, i) => ({
            file: `${i}`,
            createdAt: new Date(Date.UTC(2026, 0, 1) + minutes * 60_000).toISOString(),
            reason,
          })),
        )
        const kept = keptBackups(all, limits, always)
        expect(kept.has(all[0]!.file)).toBe(true)
        expect(kept.size).toBeLessThanOrEqual(limits.hours + limits.days + 5)
        const left = all.filter(({ file }) => kept.has(file))
        expect(keptBackups(left, limits, always)).toEqual(kept)
      }),
    )
  })
})

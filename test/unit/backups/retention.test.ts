import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { kept, keepText, parseKeep } from '../../../src/backups/retention.ts'

const daily = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => new Date(Date.UTC(2026, 0, 1 + i, 3, 30)).toISOString())

const always = '9999'

describe('what is kept', () => {
  test('7d,4w,6m of a year of daily backups', () => {
    const times = daily(365)
    const stay = [...kept(times, parseKeep('7d,4w,6m'), always)].sort()
    expect(stay.slice(-7)).toEqual(times.slice(-7))
    expect(stay.map((time) => time.slice(0, 10))).toEqual(
      // The last of July to November, the Sundays of three weeks before this one, and seven days.
      [
        '2026-07-31',
        '2026-08-31',
        '2026-09-30',
        '2026-10-31',
        '2026-11-30',
        '2026-12-13',
        '2026-12-20',
      ].concat(times.slice(-7).map((time) => time.slice(0, 10))),
    )
  })

  test('what a clock that was ahead has made stays, and takes no place', () => {
    const times = daily(10)
    const ahead = '2026-03-01T00:00:00.000Z'
    const stay = kept([...times, ahead], parseKeep('3d'), times.at(-1)!)
    expect([...stay].sort()).toEqual([...times.slice(-3), ahead])
  })

  test('the newest always, and never more than asked for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.date({ min: new Date('2024-01-01'), max: new Date('2026-12-31'), noInvalidDate: true }), {
          minLength: 1,
        }),
        fc
          .record({ days: fc.nat(10), weeks: fc.nat(10), months: fc.nat(10) })
          .filter((keep) => keep.days + keep.weeks + keep.months > 0),
        (dates, keep) => {
          const times = dates.map((date) => date.toISOString())
          const stay = kept(times, keep, always)
          expect(stay.has([...times].sort().at(-1)!)).toBe(true)
          expect(stay.size).toBeLessThanOrEqual(keep.days + keep.weeks + keep.months)
        },
      ),
    )
  })
})

test('periods are read and written', () => {
  expect(keepText(parseKeep('7d,4w,6m'))).toBe('7d,4w,6m')
  expect(parseKeep('2m')).toEqual({ days: 0, weeks: 0, months: 2 })
  for (const bad of ['', '7', '7y', '0d', 'd', '-1d']) expect(() => parseKeep(bad), bad).toThrow('--keep')
})

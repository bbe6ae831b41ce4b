import { describe, expect, test } from 'vitest'
import { dueRun } from '../../../src/cron/due.ts'
import { readCron } from '../../../src/cron/entries.ts'
import { lastTime, timeAfter } from '../../../src/cron/schedule.ts'
import { type CronEntry } from '../../../src/model/release.ts'

const entry = (facts: Partial<CronEntry> = {}): CronEntry => ({
  name: 'job',
  command: 'true',
  schedule: '*/10 * * * *',
  timezone: 'UTC',
  overlap: 'allow',
  timeout: 60,
  missed: 'run',
  ...facts,
})
const at = (text: string): Date => new Date(`2026-11-20T${text}Z`)

describe('an entry', () => {
  test('is due once for a time, not before it and not again', () => {
    const job = entry()
    expect(dueRun(job, at('12:00:00'), at('12:09:59')).run).toBeUndefined()
    const due = dueRun(job, at('12:00:00'), at('12:10:00.4'))
    expect(due.run).toEqual(at('12:10:00'))
    expect(dueRun(job, due.seen, at('12:10:01')).run).toBeUndefined()
    expect(dueRun(job, due.seen, at('12:20:00')).run).toEqual(at('12:20:00'))
  })

  test('that was missed is made up for once, however often it was due', () => {
    const due = dueRun(entry(), at('02:00:00'), at('12:05:00'))
    expect(due.run).toEqual(at('12:00:00'))
    expect(dueRun(entry(), due.seen, at('12:06:00')).run).toBeUndefined()
  })

  test('that was missed is skipped where it says so, but not where it is just late', () => {
    const job = entry({ missed: 'skip' })
    expect(dueRun(job, at('02:00:00'), at('12:05:00'))).toEqual({ run: undefined, seen: at('12:05:00') })
    expect(dueRun(job, at('12:00:00'), at('12:10:30')).run).toEqual(at('12:10:00'))
  })

  test('goes on by a clock that was set back a day, and waits for one that was corrected', () => {
    const seen = new Date('2026-11-21T12:10:00Z')
    const back = dueRun(entry(), seen, at('12:11:00'))
    expect(back).toEqual({ run: undefined, seen: at('12:11:00') })
    expect(dueRun(entry(), back.seen, at('12:20:00')).run).toEqual(at('12:20:00'))
    const corrected = dueRun(entry(), at('12:10:10'), at('12:09:50'))
    expect(corrected).toEqual({ run: undefined, seen: at('12:10:10') })
    expect(dueRun(entry(), corrected.seen, at('12:10:00')).run).toBeUndefined()
  })

  test('runs once where the clock goes a day forward', () => {
    const due = dueRun(entry({ schedule: '* * * * *' }), at('12:10:00'), new Date('2026-11-21T12:10:30Z'))
    expect(due.run).toEqual(new Date('2026-11-21T12:10:00Z'))
    expect(dueRun(entry(), due.seen, new Date('2026-11-21T12:10:31Z')).run).toBeUndefined()
  })

  test('goes by its time zone, over its change to summer time', () => {
    const berlin = entry({ schedule: '30 4 * * *', timezone: 'Europe/Berlin' })
    expect(timeAfter(berlin.schedule, berlin.timezone, new Date('2026-03-28T00:00:00Z'))?.toISOString()).toBe(
      '2026-03-28T03:30:00.000Z',
    )
    expect(timeAfter(berlin.schedule, berlin.timezone, new Date('2026-03-29T00:00:00Z'))?.toISOString()).toBe(
      '2026-03-29T02:30:00.000Z',
    )
  })

  test('that is due at this very second was the last time, too', () => {
    expect(lastTime('* * * * *', 'UTC', at('12:00:00'))).toEqual(at('12:00:00'))
    expect(lastTime('* * * * *', 'UTC', at('12:00:59.9'))).toEqual(at('12:00:00'))
  })
})

describe('cron of app.json', () => {
  const raw = { command: 'rake clean', schedule: '@daily' }

  test('has a name that lasts as long as what it does, UTC, and makes up for a missed run', () => {
    const [first] = readCron([raw])
    expect(first).toMatchObject({ timezone: 'UTC', overlap: 'allow', missed: 'run' })
    expect(readCron([{ command: 'other', schedule: '@daily' }, raw])[1]!.name).toBe(first!.name)
  })

  test.each([
    [[{ ...raw, schedule: '61 * * * *' }], 'cron.0.schedule'],
    [[{ ...raw, timezone: 'Mars/Base' }], 'cron.0.timezone: "Mars/Base" is no time zone'],
    [[{ ...raw, schedule: '0 0 30 2 *' }], 'it never comes'],
    [[raw, raw], 'two entries named'],
  ])('%j is refused', (entries, message) => {
    expect(() => readCron(entries)).toThrow(message)
  })
})

import { describe, expect, it } from 'vitest'
import { createCrashes } from '../../../src/schedulers/crashes.ts'

describe('createCrashes', () => {
  it('waits 1, 2, 4 … at most 60 s, and gives up after ten failures', () => {
    let now = 0
    const crashes = createCrashes(() => now)
    const delays: (number | undefined)[] = []
    for (let i = 0; i < 10; i++) {
      crashes.failed('app v1 web.1', 100)
      delays.push(crashes.delay('app v1 web.1'))
      now += crashes.delay('app v1 web.1') ?? 0
    }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, undefined])
  })

  it('takes a failure after a minute of running for a first one', () => {
    const crashes = createCrashes(() => 0)
    for (let i = 0; i < 5; i++) crashes.failed('slot', 100)
    crashes.failed('slot', 60_000)
    expect(crashes.delay('slot')).toBe(1000)
  })

  it('knows nothing of other slots and forgets by prefix', () => {
    const crashes = createCrashes(() => 0)
    crashes.failed('app1 v1 web.1', 0)
    crashes.failed('app2 v1 web.1', 0)
    crashes.forget('app1 ')
    expect(crashes.delay('app1 v1 web.1')).toBe(0)
    expect(crashes.delay('app2 v1 web.1')).toBe(1000)
  })

  it('tells an end that its starter reports from one that is news', () => {
    const crashes = createCrashes(() => 0)
    crashes.trying('slot', 'c1')
    expect(crashes.isTrying('slot', 'c1')).toBe(true)
    expect(crashes.isTrying('slot', 'c2')).toBe(false)
    crashes.proven('slot')
    expect(crashes.isTrying('slot', 'c1')).toBe(false)
  })
})

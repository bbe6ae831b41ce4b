import { expect, test } from 'vitest'
import { nextDelay } from '../../../src/serve/backoff.ts'

test('doubles from one second to thirty while the process keeps ending early', () => {
  const delays: number[] = []
  let delay: number | undefined
  for (let i = 0; i < 7; i++) delays.push((delay = nextDelay(delay, 100)))
  expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
})

test('starts over after a minute without an end', () => {
  expect(nextDelay(30_000, 59_999)).toBe(30_000)
  expect(nextDelay(30_000, 60_000)).toBe(1000)
})

import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createTurn } from '../../../src/router/forward/turn.ts'

/** Something to write, and how often it was. */
function out(text = 'x') {
  const made = {
    flushes: 0,
    gathered: () => text !== '',
    flush(): void {
      made.flushes += 1
    },
  }
  return made
}

function busy(requests: number) {
  const turn = createTurn()
  for (let i = 0; i < requests; i += 1) turn.enter()
  return turn
}

function wait(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('with few requests each is written at once, and the clock goes on', () => {
  const turn = busy(8)
  const one = out()
  turn.flush(one)
  expect(one.flushes).toBe(1)
  const before = turn.now()
  wait(1)
  expect(turn.now()).toBeGreaterThan(before)
})

test('with many they are written at the end of the turn, in order and once', async () => {
  const turn = busy(9)
  const written: number[] = []
  for (const i of [0, 1, 2]) turn.flush({ gathered: () => true, flush: () => written.push(i) })
  expect(written).toEqual([])
  await nextTurn()
  expect(written).toEqual([0, 1, 2])
  await nextTurn()
  expect(written).toEqual([0, 1, 2])
})

test('nothing is written where nothing was gathered', async () => {
  const turn = busy(9)
  const empty = out('')
  turn.flush(empty)
  await nextTurn()
  expect(empty.flushes).toBe(0)
})

test('a turn writes no more than 64 late', async () => {
  const turn = busy(100)
  const outs = Array.from({ length: 65 }, () => out())
  for (const one of outs) turn.flush(one)
  expect(outs.map((one) => one.flushes)).toEqual([...new Array<number>(64).fill(1), 0])
  await nextTurn()
  expect(outs.at(-1)?.flushes).toBe(1)
})

test('with many the clock is read once a turn', async () => {
  const turn = busy(9)
  const start = performance.now()
  const first = turn.now()
  wait(2)
  expect(turn.now()).toBe(first)
  expect(first).toBeGreaterThanOrEqual(start)
  await nextTurn()
  expect(turn.now()).toBeGreaterThanOrEqual(first + 2)
})

test('what was put off is written although few are left', async () => {
  const turn = busy(9)
  const one = out()
  turn.flush(one)
  turn.leave()
  await nextTurn()
  expect(one.flushes).toBe(1)
})

test('what is put off while others are written is written once too, and so is what fills the turn', async () => {
  const turn = busy(200)
  const outs = Array.from({ length: 70 }, () => out())
  let written = 0
  turn.flush({
    gathered: () => true,
    flush() {
      written += 1
      for (const one of outs) turn.flush(one)
    },
  })
  await nextTurn()
  await nextTurn()
  expect(written).toBe(1)
  expect(outs.map((one) => one.flushes)).toEqual(new Array<number>(70).fill(1))
})

test('the clock of a turn never goes back', () => {
  const turn = busy(9)
  const began = turn.now()
  wait(1)
  turn.leave()
  const later = turn.now()
  turn.enter()
  expect(later).toBe(began)
  expect(turn.now()).toBe(began)
})

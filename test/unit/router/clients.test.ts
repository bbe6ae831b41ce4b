import { expect, test } from 'vitest'
import { clientDueOf, type ClientStanding } from '../../../src/router/client/due.ts'
import { realAddress } from '../../../src/router/client/forwarded.ts'
import { HeadPieces } from '../../../src/router/client/head-pieces.ts'
import { trustedPeers } from '../../../src/router/client/proxy-protocol.ts'
import { never } from '../../../src/router/forward/plane.ts'
import { isLineEnd } from '../../../src/router/http/bytes.ts'
import { defaultTimeouts } from '../../../src/router/settings.ts'

const quiet: ClientStanding = {
  closing: false,
  unsent: false,
  since: 0,
  started: false,
  endedAt: never,
  exchange: undefined,
}
const due = (at: Partial<ClientStanding>, now: number, timeouts = defaultTimeouts) =>
  clientDueOf({ ...quiet, ...at }, timeouts, now)

test('between requests: closed after the keep-alive limit, without one never', () => {
  // All by a clock that may be half a second old.
  expect(due({}, 75_500)).toBeUndefined()
  expect(due({}, 75_501)).toBe('destroy')
  expect(due({}, 1e9, { ...defaultTimeouts, keepAlive: 0 })).toBeUndefined()
  // Who takes no answers has the time of one in the middle of a body; what it has must not look like all there was.
  expect(due({ unsent: true }, 60_500)).toBeUndefined()
  expect(due({ unsent: true }, 60_501, { ...defaultTimeouts, keepAlive: 0 })).toBe('abort')
})

test('a head that does not come in time is late', () => {
  expect(due({ started: true }, 10_500)).toBeUndefined()
  expect(due({ started: true }, 10_501)).toBe('late')
})

test('closing: lingers for a moment, and as long as bytes go out', () => {
  expect(due({ closing: true }, 5_501)).toBe('destroy')
  expect(due({ closing: true, unsent: true }, 5_501)).toBeUndefined()
  expect(due({ closing: true, unsent: true }, 60_501)).toBe('abort')
  expect(due({ closing: true, unsent: true }, 1e9, { ...defaultTimeouts, idle: 0 })).toBeUndefined()
})

test('half-closed: a second of silence, counted from what the last sweep may have seen', () => {
  const exchange = { status: 0, progressAt: 0, congested: false }
  expect(due({ exchange }, 1e6)).toBeUndefined()
  expect(due({ exchange, endedAt: 0 }, 1500)).toBeUndefined()
  expect(due({ exchange, endedAt: 0 }, 1501)).toBe('destroy')
  expect(due({ exchange, endedAt: 2000 }, 2900)).toBeUndefined()
  expect(due({ exchange: { ...exchange, status: 200 }, endedAt: 0 }, 1501)).toBe('abort')
  expect(due({ exchange, endedAt: 0, unsent: true }, 1501)).toBeUndefined()
})

test('a tunnel may be silent for ever, but not one whose client could not be heard to go', () => {
  const exchange = { status: 101, progressAt: 1000, congested: false }
  expect(due({ exchange }, 1e9)).toBeUndefined()
  for (const at of [{ unsent: true }, { endedAt: 0 }, { exchange: { ...exchange, congested: true } }]) {
    expect(due({ exchange, ...at }, 61_500)).toBeUndefined()
    expect(due({ exchange, ...at }, 61_501)).toBe('abort')
    expect(due({ exchange, ...at }, 1e9, { ...defaultTimeouts, idle: 0 })).toBeUndefined()
  }
})

test('the real address is the last one of the chain that no trusted proxy has', () => {
  const trusts = trustedPeers(['10.0.0.0/8', 'fd00::/8'])
  expect(realAddress('', trusts)).toBe('')
  expect(realAddress('1.2.3.4', trusts)).toBe('1.2.3.4')
  expect(realAddress('9.9.9.9, 1.2.3.4, 10.1.1.1, fd00::1', trusts)).toBe('1.2.3.4')
  expect(realAddress('10.0.0.1, 10.0.0.2', trusts)).toBe('10.0.0.1')
  // Whatever stands before what is no address is hearsay.
  expect(realAddress('1.2.3.4, unknown, 10.0.0.2', trusts)).toBe('10.0.0.2')
  expect(realAddress('unknown', trusts)).toBe('')
})

test.each([
  ['\r\n', true],
  ['\r', true],
  ['\n', false],
  ['\r\nG', false],
  ['G', false],
])('%j is an empty line: %s', (text, is) => {
  expect(isLineEnd(Buffer.from(text), 0, text.length)).toBe(is)
})

test('a long head that comes byte by byte is looked through at the ends of lines, and now and then', () => {
  const pieces = new HeadPieces()
  const byte = (char: string): Buffer => Buffer.from(char, 'latin1')
  const [short, long] = [Buffer.alloc(100, 'x'), Buffer.alloc(2000, 'x')]
  expect(pieces.join(short, byte('a'))).toEqual(Buffer.concat([short, byte('a')]))
  for (let i = 0; i < 3; i += 1) expect(pieces.join(long, byte('\xe9'))).toBeUndefined()
  expect(pieces.join(long, byte('\n'))).toEqual(Buffer.concat([long, byte('\xe9\xe9\xe9\n')]))
  let looks = 0
  for (let i = 0; i < 10_240; i += 1) if (pieces.join(long, byte('a')) !== undefined) looks += 1
  expect(looks).toBe(10)
})

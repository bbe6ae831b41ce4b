import { expect, test } from 'vitest'
import { noBackend } from '../../../src/router/forward/choose.ts'
import {
  afterFailure as decide,
  type Attempt,
  type Attempted,
  withoutBackend,
} from '../../../src/router/forward/retry.ts'
import { TableRoute } from '../../../src/router/table/route-table.ts'

const policy = { retries: 3, mayRepeat: () => true }
const afterFailure = (of: Attempt & Attempted, by: typeof policy) => decide(of, of, by)
const attempted: Attempt & Attempted = {
  failure: 'refused',
  reused: false,
  repeatable: false,
  whole: true,
  attempts: 1,
  route: { urls: ['http://10.0.0.1:1', 'http://10.0.0.2:1'] },
}

test('what never reached a backend goes elsewhere within the limit, with any method', () => {
  for (const failure of ['refused', 'unreachable', 'connectTimeout'] as const) {
    expect(afterFailure({ ...attempted, failure }, policy)).toBe('elsewhere')
    expect(afterFailure({ ...attempted, failure, whole: false }, policy)).toMatchObject({
      reason: expect.any(String) as string,
    })
  }
  expect(afterFailure({ ...attempted, attempts: 4 }, policy)).toEqual({
    status: 502,
    reason: 'Reached max retries limit',
  })
  expect(afterFailure(attempted, { ...policy, retries: 0 })).toEqual({
    status: 502,
    reason: 'Retry on error is disabled',
  })
})

test('what may have reached it is repeated only where the method allows it', () => {
  const reset = { ...attempted, failure: 'reset', reused: true } as const
  expect(afterFailure(reset, policy)).toMatchObject({ status: 502 })
  expect(afterFailure({ ...reset, repeatable: true }, policy)).toBe('anew')
  const fresh = { ...reset, repeatable: true, reused: false }
  expect(afterFailure(fresh, policy)).toBe('elsewhere')
  expect(afterFailure(fresh, { ...policy, mayRepeat: () => false })).toMatchObject({ status: 502 })
  expect(afterFailure({ ...attempted, failure: 'timeout' }, policy)).toMatchObject({ status: 504 })
  const late = { ...attempted, failure: 'malformed', reused: true } as const
  expect(afterFailure(late, policy)).toMatchObject({ status: 502 })
  expect(afterFailure({ ...late, repeatable: true }, policy)).toBe('anew')
  const invalid = { ...late, reused: false }
  expect(afterFailure(invalid, policy)).toMatchObject({ status: 502 })
  expect(afterFailure({ ...invalid, repeatable: true }, policy)).toBe('elsewhere')
  const lone = { urls: ['http://10.0.0.1:1', 'http://10.0.0.1:1'] }
  expect(afterFailure({ ...invalid, repeatable: true, route: lone }, policy)).toMatchObject({ status: 502 })
})

test('a router without descriptors blames no backend', () => {
  const exhausted = { ...attempted, failure: 'exhausted' } as const
  expect(afterFailure(exhausted, policy)).toBe('elsewhere')
  expect(afterFailure({ ...exhausted, attempts: 4 }, policy)).toMatchObject({ status: 503 })
})

test("without a backend to ask, Hipache's words", () => {
  const route = new TableRoute('a.test', ['a'], undefined)
  const unreadable = new TableRoute('a.test', undefined, undefined)
  expect(withoutBackend(route, noBackend.none, undefined).reason).toBe('Cannot find a valid backend')
  expect(withoutBackend(route, noBackend.ejected, 'refused').reason).toBe('Cannot find a valid backend')
  expect(withoutBackend(route, noBackend.invalid, undefined).reason).toBe('backend is invalid')
  expect(withoutBackend(route, noBackend.ejected, undefined).status).toBe(503)
  expect(withoutBackend(route, noBackend.ejected, 'connectTimeout').status).toBe(504)
  expect(withoutBackend(unreadable, noBackend.none, undefined).status).toBe(503)
})

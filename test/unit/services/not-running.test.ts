import { expect, test } from 'vitest'
import { ServiceName } from '../../../src/model/service.ts'
import { notRunning } from '../../../src/services/not-running.ts'

const name = ServiceName.parse('db1')

test('a stopped service is to be started', () => {
  const error = notRunning({ name, running: false }, 0)
  expect(error.message).toBe('db1 does not run.')
  expect(error.hint).toBe('paas services:start db1')
})

test.each([0, 4_000])('one that ended is back in a moment', (retryMs) => {
  const { hint } = notRunning({ name, running: true }, retryMs)
  expect(hint).toContain('is being started again')
  expect(hint).toContain('paas services:logs db1')
})

test('one that ended too often is looked at and restarted', () => {
  const { hint } = notRunning({ name, running: true }, undefined)
  expect(hint).toContain('too often')
  expect(hint).toContain('paas services:logs db1')
  expect(hint).toContain('paas services:restart db1')
})

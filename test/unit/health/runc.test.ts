import { expect, test } from 'vitest'
import { hasFixes } from '../../../src/health/runc.ts'

test.each([
  ['1.1.5+ds1', false],
  ['1.1.15', false],
  ['1.2.7', false],
  ['1.2.8', true],
  ['1.3.2', false],
  ['1.3.3+ds1-2', true],
  ['1.4.0-rc.2', false],
  ['1.4.0', true],
  ['v1.5.1', true],
  ['2.0.0', true],
  ['unknown', undefined],
])('runc %s: %s', (version, fixed) => {
  expect(hasFixes(version)).toBe(fixed)
})

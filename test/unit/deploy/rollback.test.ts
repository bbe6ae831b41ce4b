import { expect, test } from 'vitest'
import { chooseTarget } from '../../../src/deploy/rollback.ts'
import { type PaasError } from '../../../src/errors/paas-error.ts'
import { type Release } from '../../../src/model/release.ts'
import { aRelease } from '../../support/release.ts'

const release = (version: number, status: Release['status']): Release => aRelease({ version, status })

const history = [
  release(6, 'failed'),
  release(5, 'active'),
  release(4, 'failed'),
  release(3, 'superseded'),
  release(2, 'superseded'),
  release(1, 'failed'),
]
const live = history[1]!
const codeOf = (version: number | undefined, releases = history): string => {
  try {
    return `v${chooseTarget(releases, live, version, 'blog').version}`
  } catch (error) {
    return (error as PaasError).code
  }
}

test('without a version it is the newest that was live before', () => expect(codeOf(undefined)).toBe('v3'))
test('a version that was live', () => expect(codeOf(2)).toBe('v2'))
test('the live one again', () => expect(codeOf(5)).toBe('v5'))
test('one that failed was never live', () => expect(codeOf(4)).toBe('INVALID_INPUT'))
test('one that there is not', () => expect(codeOf(9)).toBe('NOT_FOUND'))
test('nothing was live before', () =>
  expect(codeOf(undefined, [live, release(4, 'failed')])).toBe('NOT_FOUND'))

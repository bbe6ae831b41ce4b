import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { colourName } from '../../../src/services/colours.ts'
import { namesFor } from '../../../src/services/link.ts'

describe('the config vars of a link', () => {
  test('are the usual ones while they are free', () => {
    expect(namesFor(['MYSQL_URL', 'DATABASE_URL'], undefined, () => false)).toEqual([
      'MYSQL_URL',
      'DATABASE_URL',
    ])
  })

  test('a taken one becomes a colour, and a further one is left out', () => {
    expect(namesFor(['DATABASE_URL'], undefined, (name) => name === 'DATABASE_URL')).toEqual(['AMBER_URL'])
    expect(namesFor(['MYSQL_URL', 'DATABASE_URL'], undefined, (name) => name === 'DATABASE_URL')).toEqual([
      'MYSQL_URL',
    ])
  })

  test('--as is a prefix, or the whole name where it ends in _URL', () => {
    expect(namesFor(['DATABASE_URL'], 'REPORTS', () => false)).toEqual(['REPORTS_URL'])
    expect(namesFor(['DATABASE_URL'], 'REPORTS_URL', () => false)).toEqual(['REPORTS_URL'])
    expect(() => namesFor(['DATABASE_URL'], 'REPORTS', () => true)).toThrow('already')
    expect(() => namesFor(['DATABASE_URL'], '1 2', () => false)).toThrow('--as')
  })

  test('whatever is taken, nothing that is taken is chosen', () => {
    fc.assert(
      fc.property(fc.nat(100), (count) => {
        const taken = new Set<string>()
        for (let i = 0; i < count; i++) {
          const name = colourName((other) => taken.has(other))
          expect(taken.has(name)).toBe(false)
          taken.add(name)
        }
      }),
    )
  })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { own } from '../../../src/lib/own.ts'

test.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__'])(
  '%s is nobody’s own',
  (name) => {
    expect(own({}, name)).toBeUndefined()
  },
)

test('property: what is put in comes out', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer(), (name, value) => {
      expect(own(Object.fromEntries([[name, value]]), name)).toBe(value)
    }),
  )
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type PaasError } from '../../../src/errors/paas-error.ts'
import { createSecrets } from '../../../src/store/secrets.ts'

const secrets = createSecrets(Buffer.alloc(32, 1))
const corrupt = expect.objectContaining({ code: 'STATE_CORRUPT' }) as PaasError

const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.constant(''))

describe('sealed values', () => {
  test('property: open to the byte, and are never twice the same', () => {
    fc.assert(
      fc.property(value, (text) => {
        const [one, other] = [secrets.seal('a1', 'NAME', text), secrets.seal('a1', 'NAME', text)]
        expect(secrets.open('a1', 'NAME', one)).toBe(text)
        expect(one).not.toBe(other)
      }),
    )
  })

  test('do not show what they hold', () => {
    expect(secrets.seal('a1', 'NAME', 'hunter2 hunter2')).not.toContain(
      Buffer.from('hunter2').toString('base64').slice(0, 8),
    )
  })

  test.each([
    ['of another app', 'a2', 'NAME'],
    ['of another name', 'a1', 'OTHER'],
    ['where scope and name run into each other', 'a1N', 'AME'],
  ])('do not open %s', (_what, scope, name) => {
    const sealed = secrets.seal('a1', 'NAME', 'hunter2')
    expect(() => secrets.open(scope, name, sealed)).toThrow(corrupt)
  })

  test('do not open with another master key', () => {
    const sealed = createSecrets(Buffer.alloc(32, 2)).seal('a1', 'NAME', 'hunter2')
    expect(() => secrets.open('a1', 'NAME', sealed)).toThrow(corrupt)
  })

  test('property: do not open when any bit is changed', () => {
    const bytes = Buffer.from(secrets.seal('a1', 'NAME', 'hunter2'), 'base64')
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const changed = Buffer.from(bytes)
        changed[bit >> 3]! ^= 1 << (bit & 7)
        expect(() => secrets.open('a1', 'NAME', changed.toString('base64'))).toThrow(corrupt)
      }),
    )
  })

  test('do not open when they are cut, not even to a shorter tag', () => {
    const bytes = Buffer.from(secrets.seal('a1', 'NAME', ''), 'base64')
    for (let length = 0; length < bytes.length; length++) {
      expect(
        () => secrets.open('a1', 'NAME', bytes.subarray(0, length).toString('base64')),
        String(length),
      ).toThrow(corrupt)
    }
  })

  test('the error names the var and not what it held', () => {
    const sealed = secrets.seal('a2', 'NAME', 'hunter2')
    expect(() => secrets.open('a1', 'NAME', sealed)).toThrow('The stored value of NAME cannot be decrypted.')
  })
})

test.each([0, 16, 31, 33])('a master key of %i bytes is refused', (length) => {
  expect(() => createSecrets(Buffer.alloc(length))).toThrow(corrupt)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readConfig, writeConfig } from '../../../src/apps/config-text.ts'
import { PaasError } from '../../../src/errors/paas-error.ts'

const names = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/)
const values = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'))
const configs = fc.dictionary(names, values, { noNullPrototype: true })

test('JSON reads back to what it was', () => {
  fc.assert(
    fc.property(configs, (config) => {
      expect(readConfig(writeConfig(config, 'json'))).toEqual(config)
    }),
  )
})

test('a .env file reads back to what it was, or is not written at all', () => {
  fc.assert(
    fc.property(configs, (config) => {
      let text: string
      try {
        text = writeConfig(config, 'dotenv')
      } catch (error) {
        expect(error).toBeInstanceOf(PaasError)
        return
      }
      expect(readConfig(text)).toEqual(config)
    }),
    { numRuns: 300 },
  )
})

test('lines for a shell are quoted', () => {
  expect(writeConfig({ B: "it's", A: 'x y' }, 'shell')).toBe("export A='x y'\nexport B='it'\\''s'\n")
})

test('a .env file as people write it', () => {
  const text =
    '\uFEFF# a comment\r\n\r\nA=1\r\nexport B = "two\nlines" # and more\n C=\'x\'\nD=a b # c\nE=\n#F=6\n  # end'
  expect(readConfig(text)).toEqual({ A: '1', B: 'two\nlines', C: 'x', D: 'a b', E: '' })
})

test.each([
  ['A=1\nthis is no env file\nB=2', 'Line 2 is not NAME=value.'],
  ['A="1\n\n2"\n=3', 'Line 4 is not NAME=value.'],
  ['A=1\n\nB="secret\nC=3\n', 'Line 3 begins a quoted value that does not end.'],
  ['\u0000\u0001\u0002binary', 'Line 1 is not NAME=value.'],
  ['1A=x', 'A name cannot be used: '],
])('%j is refused with its line', (text, message) => {
  expect(() => readConfig(text)).toThrow(message)
})

test.each([['{"A": 1}'], ['{"A"'], ['{"a b": "x"}']])('%s is refused without its values', (text) => {
  expect(() => readConfig(text)).toThrow(PaasError)
})

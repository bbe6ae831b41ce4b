import { expect, test } from 'vitest'
import { pronounceableName, randomHex, randomId } from '../../../src/lib/ids.ts'
import { AppId, AppName } from '../../../src/model/names.ts'

test('ids are what the model takes, and differ', () => {
  const ids = Array.from({ length: 1000 }, () => AppId.parse(randomId('a')))
  expect(new Set(ids).size).toBe(1000)
})

test('names that are made up are names of apps, and hardly ever the same', () => {
  const names = Array.from({ length: 1000 }, () => AppName.parse(pronounceableName()))
  expect(names[0]).toMatch(/^[a-z]+-[a-z]+-\d{4}$/)
  expect(new Set(names).size).toBeGreaterThan(990)
})

test('random bytes come as hex', () => expect(randomHex(8)).toMatch(/^[0-9a-f]{16}$/))

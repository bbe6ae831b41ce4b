import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type StateRecord } from '../../../src/store/dump.ts'
import { type Migration, migrate, migrations, schemaVersion } from '../../../src/store/schema.ts'

const value = fc.string({ maxLength: 8 })
const records: fc.Arbitrary<StateRecord[]> = fc
  .uniqueArray(
    fc.oneof(
      fc.record({ key: fc.stringMatching(/^paas:[a-z]{1,6}$/), type: fc.constant('string' as const), value }),
      fc.record({
        key: fc.stringMatching(/^paas:[a-z]{1,6}$/),
        type: fc.constant('list' as const),
        value: fc.array(value, { minLength: 1, maxLength: 3 }),
      }),
    ),
    { selector: ({ key }) => key, maxLength: 12 },
  )
  .map((all) => all.filter(({ key }) => key !== 'paas:schema'))

const at = (version: number): StateRecord[] =>
  version === 0 ? [] : [{ key: 'paas:schema', type: 'string', value: String(version) }]
const versionIn = (state: readonly StateRecord[]) => state.find(({ key }) => key === 'paas:schema')?.value

/** What real ones do: rename, remove, rewrite. */
const steps: Migration[] = [
  { what: 'mark', change: (all) => [...all, { key: 'paas:mark', type: 'list', value: ['one'] }] },
  {
    what: 'mark twice',
    change: (all) =>
      all.map((record) =>
        record.key === 'paas:mark' && record.type === 'list'
          ? { ...record, value: [...record.value, 'two'] }
          : record,
      ),
  },
  {
    what: 'drop strings',
    change: (all) => all.filter(({ type, key }) => type !== 'string' || key === 'paas:schema'),
  },
]

describe('migrate', () => {
  test.each(Array.from({ length: schemaVersion + 1 }, (_, version) => version))(
    'brings a state of version %i to the present one and changes nothing else in it',
    (version) => {
      fc.assert(
        fc.property(records, (rest) => {
          const done = migrate([...rest, ...at(version)])
          expect(versionIn(done)).toBe(String(schemaVersion))
          expect(done.filter(({ key }) => key !== 'paas:schema')).toEqual(rest)
        }),
      )
    },
  )

  test('is the same from any version on, in one go or step by step, and does nothing twice', () => {
    fc.assert(
      fc.property(records, fc.integer({ min: 0, max: steps.length }), (rest, from) => {
        const state = [...rest, ...at(from)]
        const inOne = migrate(state, steps)
        const stepwise = steps
          .slice(from)
          .reduce((now, _, i) => migrate(now, steps.slice(0, from + i + 1)), state)
        expect(versionIn(inOne)).toBe(String(steps.length))
        expect(stepwise).toEqual(inOne)
        expect(migrate(inOne, steps)).toEqual(inOne)
      }),
    )
  })

  test('refuses a state of a newer program, and what is no version', () => {
    expect(() => migrate(at(migrations.length + 1))).toThrow(
      expect.objectContaining({
        code: 'STATE_NEWER',
        hint: expect.stringContaining('server:backups') as string,
      }),
    )
    for (const value of ['-1', '1.5', 'one', ''])
      expect(() => migrate([{ key: 'paas:schema', type: 'string', value }], steps)).toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
  })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dumpState, loadState, type StateRecord } from '../../../src/store/dump.ts'
import { type Migration, migrate, migrateState } from '../../../src/store/schema.ts'
import { startState } from '../../support/redis.ts'

const steps: Migration[] = [
  { what: 'mark', change: (all) => [...all, { key: 'paas:mark', type: 'set', value: ['one'] }] },
  {
    what: 'rename and rewrite',
    change: (all) =>
      all.map((record) =>
        record.key === 'paas:old' && record.type === 'string'
          ? { key: 'paas:new', type: 'hash', value: { was: record.value } }
          : record,
      ),
  },
  { what: 'remove', change: (all) => all.filter(({ key }) => key !== 'paas:mark') },
]
const nothing = async (): Promise<void> => undefined
const sorted = (state: readonly StateRecord[]): StateRecord[] =>
  state.toSorted((a, b) => (a.key < b.key ? -1 : 1))

test('a state of any version becomes what its migrations make of it, once', async () => {
  await using state = await startState()
  const { redis } = state
  const old = fc.record({
    version: fc.integer({ min: 0, max: steps.length }),
    value: fc.string({ maxLength: 20 }),
    others: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 20 }),
  })
  await fc.assert(
    fc.asyncProperty(old, async ({ version, value, others }) => {
      await loadState(redis, [
        { key: 'paas:old', type: 'string', value },
        ...others.map((name): StateRecord => ({
          key: `frontend:${name}`,
          type: 'list',
          value: [name, 'http://a'],
        })),
        ...(version === 0 ? [] : [{ key: 'paas:schema', type: 'string', value: `${version}` } as const]),
      ])
      const before = await dumpState(redis)
      let told: number | undefined
      const tell = async (from: number): Promise<void> => void (told = from)
      expect(await migrateState(redis, tell, steps)).toEqual({ from: version, to: steps.length })
      expect(told).toBe(version === steps.length ? undefined : version)
      const after = await dumpState(redis)
      expect(after).toEqual(sorted(migrate(before, steps)))
      expect(await migrateState(redis, tell, steps)).toEqual({ from: steps.length, to: steps.length })
      expect(await dumpState(redis)).toEqual(after)
    }),
    { numRuns: 40 },
  )
})

test('two controllers that start at once migrate once', async () => {
  await using state = await startState()
  const count: Migration = {
    what: 'count',
    change: (all) => {
      const before = all.find(({ key }) => key === 'paas:count')
      const value = before?.type === 'string' ? String(Number(before.value) + 1) : '1'
      return [...all.filter(({ key }) => key !== 'paas:count'), { key: 'paas:count', type: 'string', value }]
    },
  }
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, () => migrateState(state.redis, nothing, [count])),
  )
  expect(await state.redis.get('paas:count')).toBe('1')
  expect(results.some(({ status }) => status === 'fulfilled')).toBe(true)
})

test('a state of a newer program is refused before anything is done', async () => {
  await using state = await startState()
  await state.redis.set('paas:schema', '99')
  const before = await dumpState(state.redis)
  const told = () => Promise.reject(new Error('asked to back up'))
  await expect(migrateState(state.redis, told)).rejects.toMatchObject({ code: 'STATE_NEWER' })
  expect(await dumpState(state.redis)).toEqual(before)
})

test('without the backup of before nothing is changed', async () => {
  await using state = await startState()
  await state.redis.set('paas:old', 'value')
  const full = () => Promise.reject(new Error('no space left'))
  await expect(migrateState(state.redis, full, steps)).rejects.toThrow('no space left')
  expect((await dumpState(state.redis)).map(({ key }) => key)).toEqual(['paas:old'])
})

test('a kill -9 at any moment leaves the old state or the new one', async () => {
  await using state = await startState()
  const records = Array.from({ length: 2000 }, (_, i): StateRecord => ({
    key: `paas:app:${i}`,
    type: 'string',
    value: 'old',
  }))
  const rewrite: Migration = {
    what: 'rewrite all',
    change: (all) => all.map((record) => (record.type === 'string' ? { ...record, value: 'new' } : record)),
  }
  const outcomes = new Set<string>()
  for (const moment of [0, 10, 25, 45]) {
    await loadState(state.redis, records)
    const migrating = migrateState(state.redis, nothing, [rewrite]).catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, moment))
    await state.kill()
    await migrating
    await state.start()
    const values = new Set(
      (await dumpState(state.redis)).flatMap((one) =>
        one.type === 'string' && one.key !== 'paas:schema' ? [one.value] : [],
      ),
    )
    expect(values.size).toBe(1)
    const [value] = values
    expect(await state.redis.get('paas:schema')).toBe(value === 'new' ? '1' : null)
    outcomes.add(value!)
  }
  expect(outcomes).toContain('old')
})

import { expect, test } from 'vitest'
import { rememberRunning } from '../../../src/schedulers/docker-local/running.ts'
import { type Container } from '../../../src/schedulers/scheduler.ts'

/** An engine whose containers a test sets, and that counts what it is asked. */
function engine() {
  const containers = new Map<string, Container>()
  const asked: string[] = []
  return {
    asked,
    set: (id: string, running: boolean) => containers.set(id, { id, running } as Container),
    remove: (id: string) => containers.delete(id),
    inspect: async (id: string) => {
      asked.push(id)
      return containers.get(id)
    },
  }
}
const up = (id: string, endpoints = 'one') => ({ id, running: true, endpoints })
const down = (id: string) => ({ id, running: false, endpoints: '' })

test('what runs is inspected once', async () => {
  const { set, inspect, asked } = engine()
  for (const id of ['a', 'b']) set(id, true)
  const running = rememberRunning(inspect)
  const first = await running.read([up('a'), up('b')])
  expect(await running.read([up('a'), up('b')])).toEqual(first)
  expect(asked).toEqual(['a', 'b'])
})

test('what was started again, does not run, or is not on a network yet is inspected each time', async () => {
  const { set, inspect, asked } = engine()
  set('a', true)
  set('b', false)
  set('c', true)
  const running = rememberRunning(inspect)
  await running.read([up('a'), down('b'), up('c', '')])
  await running.read([up('a', 'two'), down('b'), up('c', '')])
  expect(asked).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
})

test('one that ended after it was listed is not taken for one that runs', async () => {
  const { set, remove, inspect, asked } = engine()
  set('a', false)
  const running = rememberRunning(inspect)
  expect(await running.read([up('a')])).toMatchObject([{ running: false }])
  set('a', true)
  expect(await running.read([up('a')])).toMatchObject([{ running: true }])
  remove('a')
  expect(await running.read([])).toEqual([])
  // Gone from the list is forgotten; the same id again is looked at again.
  expect(await running.read([up('a')])).toEqual([])
  expect(asked).toEqual(['a', 'a', 'a'])
})

import { type LookupAddress, type lookup } from 'node:dns'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLookup } from '../../../src/router/forward/lookup.ts'

type Told = { error: string | undefined; address: string | LookupAddress[] }

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** A resolver that answers when it is told to, and what it was asked. */
function resolver() {
  const asked: { name: string; answer(address: string): void; fail(code: string): void }[] = []
  const ask = ((name: string, _options: unknown, callback: (...answer: unknown[]) => void) =>
    asked.push({
      name,
      answer: (address) => callback(null, address, 4),
      fail: (code) => callback(Object.assign(new Error(code), { code }), ''),
    })) as unknown as typeof lookup
  const machine = { hasFiles: true }
  const shortage = () =>
    machine.hasFiles ? undefined : Object.assign(new Error('EMFILE'), { code: 'EMFILE' })
  const look = createLookup(ask, shortage)
  const find = (name: string): Told[] => {
    const told: Told[] = []
    look(name, {}, (error, address) => told.push({ error: error?.code, address }))
    return told
  }
  return { asked, find, machine }
}

test('a name is looked up once at a time, however many ask', () => {
  const { asked, find } = resolver()
  const told = [find('a.test'), find('a.test'), find('b.test')]
  expect(asked.map(({ name }) => name)).toEqual(['a.test', 'b.test'])
  asked[0]!.answer('10.0.0.1')
  expect(told.map((one) => one.map(({ address }) => address))).toEqual([['10.0.0.1'], ['10.0.0.1'], []])
})

test('an answer serves for a second, and a new one is awaited after it', async () => {
  const { asked, find } = resolver()
  find('a.test')
  asked[0]!.answer('10.0.0.1')
  const soon = find('a.test')
  expect(soon).toEqual([])
  await vi.advanceTimersByTimeAsync(500)
  expect(soon).toEqual([{ error: undefined, address: '10.0.0.1' }])
  await vi.advanceTimersByTimeAsync(600)
  const later = find('a.test')
  await vi.advanceTimersByTimeAsync(900)
  expect(later).toEqual([])
  asked[1]!.answer('10.0.0.2')
  expect(later).toEqual([{ error: undefined, address: '10.0.0.2' }])
  await vi.advanceTimersByTimeAsync(5000)
  expect(later).toHaveLength(1)
})

test('while a name server does not answer what was known serves, and what it says at last', async () => {
  const { asked, find } = resolver()
  find('a.test')
  asked[0]!.answer('10.0.0.1')
  await vi.advanceTimersByTimeAsync(2000)
  const [first, second] = [find('a.test'), find('a.test')]
  await vi.advanceTimersByTimeAsync(1100)
  expect(first).toEqual([{ error: undefined, address: '10.0.0.1' }])
  expect(second).toEqual(first)
  expect(asked).toHaveLength(2)
  asked[1]!.fail('EAI_AGAIN')
  const third = find('a.test')
  asked[2]!.fail('EAI_AGAIN')
  expect(third).toEqual([{ error: undefined, address: '10.0.0.1' }])
  const fourth = find('a.test')
  asked[3]!.fail('ENOTFOUND')
  expect(fourth).toEqual([{ error: 'ENOTFOUND', address: '' }])
  expect(first).toHaveLength(1)
})

test('a name of which nothing is known is awaited, and what is old is not believed', async () => {
  const { asked, find } = resolver()
  const first = find('a.test')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(first).toEqual([])
  asked[0]!.fail('EAI_AGAIN')
  expect(first).toEqual([{ error: 'EAI_AGAIN', address: '' }])
  find('b.test')
  asked[1]!.answer('10.0.0.1')
  await vi.advanceTimersByTimeAsync(301_000)
  const late = find('b.test')
  await vi.advanceTimersByTimeAsync(5000)
  expect(late).toEqual([])
  asked[2]!.fail('EAI_AGAIN')
  expect(late).toEqual([{ error: 'EAI_AGAIN', address: '' }])
})

test('without a file to ask with nobody has said that a name is gone', async () => {
  const { asked, find, machine } = resolver()
  const never = find('new.test')
  find('a.test')
  asked[1]!.answer('10.0.0.1')
  await vi.advanceTimersByTimeAsync(2000)
  machine.hasFiles = false
  asked[0]!.fail('ENOTFOUND')
  expect(never).toEqual([{ error: 'EMFILE', address: '' }])
  const known = find('a.test')
  asked[2]!.fail('ENOTFOUND')
  expect(known).toEqual([{ error: undefined, address: '10.0.0.1' }])
  machine.hasFiles = true
  await vi.advanceTimersByTimeAsync(2000)
  const gone = find('a.test')
  asked[3]!.fail('ENOTFOUND')
  expect(gone).toEqual([{ error: 'ENOTFOUND', address: '' }])
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { routingHost } from '../../../src/router/http/host.ts'
import { createRouteTable, TableRoute, wildcardsOf } from '../../../src/router/table/route-table.ts'

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/)
const host = fc.array(label, { minLength: 1, maxLength: 9 }).map((labels) => labels.join('.'))

test('case, port and one trailing dot do not matter', () => {
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
      expect(routingHost(name.toUpperCase())).toBe(name)
      expect(routingHost(`${name}:${port}`)).toBe(name)
      expect(routingHost(`${name}.:${port}`)).toBe(name)
    }),
  )
})

test('an IPv6 address has one spelling', () => {
  expect(routingHost('[0:0:0:0:0:0:0:1]:80')).toBe('[::1]')
  expect(routingHost('[2001:DB8::0:7]')).toBe('[2001:db8::7]')
  expect(routingHost('[::1')).toBeUndefined()
})

test('nothing that a key could be confused with comes out', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const result = routingHost(text)
      if (result !== undefined) expect(result).toMatch(/^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])$/)
    }),
  )
})

test('wildcards: at most five labels deep, longest first, the catch-all last (Hipache)', () => {
  expect(wildcardsOf('localhost')).toEqual(['*'])
  expect(wildcardsOf('a.b.c')).toEqual(['*.b.c', '*.c', '*'])
  expect(wildcardsOf('1.2.3.4.5.6.7.8')).toEqual(['*.4.5.6.7.8', '*.5.6.7.8', '*.6.7.8', '*.7.8', '*.8', '*'])
  fc.assert(
    fc.property(host, (name) => {
      const keys = wildcardsOf(name)
      expect(keys.length).toBeLessThanOrEqual(6)
      expect(keys.at(-1)).toBe('*')
      for (const key of keys.slice(0, -1)) expect(`.${name}`.endsWith(key.slice(1))).toBe(true)
    }),
  )
})

test('the exact host wins over wildcards, also with no backend in it', () => {
  const table = createRouteTable(
    () => undefined,
    () => undefined,
  )
  for (const name of ['*', '*.test', '*.a.test', 'b.a.test'])
    table.set(new TableRoute(name, [name], undefined))
  expect(table.lookup('b.a.test')?.host).toBe('b.a.test')
  expect(table.lookup('c.a.test')?.host).toBe('*.a.test')
  expect(table.lookup('a.test')?.host).toBe('*.test')
  expect(table.lookup('elsewhere')?.host).toBe('*')
  table.remove('*')
  expect(table.lookup('elsewhere')).toBeUndefined()
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { App } from '../../../src/model/app.ts'
import { Domain, NewDomain } from '../../../src/model/names.ts'
import { NewRouteHost, RouteHost } from '../../../src/model/route.ts'
import { routingHost } from '../../../src/router/http/host.ts'
import { createRouteTable, TableRoute } from '../../../src/router/table/route-table.ts'

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,5}[a-z0-9])?$/)
const labels = (minLength: number, maxLength: number) =>
  fc.array(label, { minLength, maxLength, size: 'max' }).map((all) => all.join('.'))

/** The route that serves a request's host, where this is the only one. */
function served(route: string, host: string): string | undefined {
  const table = createRouteTable(
    () => undefined,
    () => undefined,
  )
  table.set(new TableRoute(route, [route], undefined))
  return table.lookup(routingHost(host)!)?.host
}

test('a wildcard may be added exactly where the router serves it, and then it serves hosts at any depth', () => {
  fc.assert(
    fc.property(labels(1, 10), labels(1, 12), (parent, below) => {
      const wildcard = `*.${parent}`
      const serves = served(wildcard, `${below}.${parent}`) === wildcard
      expect(NewDomain.safeParse(wildcard).success).toBe(serves)
      expect(NewRouteHost.safeParse(wildcard).success).toBe(serves)
      expect(served(wildcard, parent)).toBeUndefined()
    }),
  )
})

test('a host may be added however many labels it has', () => {
  fc.assert(
    fc.property(labels(1, 20), (host) => {
      expect(NewDomain.parse(host)).toBe(host)
      expect(served(host, host)).toBe(host)
    }),
  )
})

test.each([
  ['*.com', true],
  ['*.b.c.d.e.f', true],
  ['*.B.c.d.e.F.', true],
  ['*.a.b.c.d.e.f', false],
  ['*.A.b.c.d.e.F.', false],
  ['a.b.c.d.e.f.g.h', true],
])('%s may be added: %s', (host, may) => {
  expect(NewDomain.safeParse(host).success).toBe(may)
  expect(NewRouteHost.safeParse(host).success).toBe(may)
})

test('one that was added before it was refused can still be read and taken away', () => {
  expect(App.shape.domains.parse(['*.a.b.c.d.e.f'])).toEqual(['*.a.b.c.d.e.f'])
  expect(Domain.parse('*.A.b.c.d.e.f')).toBe('*.a.b.c.d.e.f')
  expect(RouteHost.parse('*.A.b.c.d.e.f')).toBe('*.a.b.c.d.e.f')
  expect(NewRouteHost.parse('*')).toBe('*')
})

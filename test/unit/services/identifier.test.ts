import { expect, test } from 'vitest'
import { identifierOf } from '../../../src/services/identifier.ts'

test.each([
  ['orders', 'orders'],
  ['my-shop-1', 'my_shop_1'],
  ['pg', 'pg'],
  ['pgbouncer', 'pgbouncer'],
  ['pg-main', 'db_pg_main'],
  ['postgres', 'db_postgres'],
  ['mysql', 'db_mysql'],
  ['information-schema', 'db_information_schema'],
  ['paas', 'db_paas'],
])('%s is %s in a server', (name, identifier) => {
  expect(identifierOf(name)).toBe(identifier)
})

import { expect, test } from 'vitest'
import { pages } from '../../../src/router/pages.ts'
import { TableRoute } from '../../../src/router/table/route-table.ts'

test('an error page names the commands for an app, and none of an app for a route by hand', () => {
  const page = pages({ staticDir: undefined, advice: 'commands' })
  const text = (status: number, identifier: string | undefined): string => {
    const route = identifier === undefined ? undefined : new TableRoute('a.test', [identifier], undefined)
    return page(status, 'why', route).body.toString()
  }
  expect(text(502, 'blog')).toContain('paas logs -a blog')
  expect(text(404, undefined)).toContain('paas domains')
  for (const status of [502, 503, 504]) {
    for (const identifier of ['wiki.test', 'two words', '<b>']) {
      expect(text(status, identifier)).toContain('see <code>paas routes</code>')
      expect(text(status, identifier)).not.toContain(identifier)
      expect(text(status, identifier)).not.toContain(' -a ')
    }
  }
})

import { expect, test } from 'vitest'
import { debugFields, nothingAsked } from '../../../src/router/forward/report.ts'
import { TableRoute } from '../../../src/router/table/route-table.ts'

test.each([
  ['http://10.0.0.5:81', 'http://10.0.0.5:81/'],
  ['http://10.0.0.5:81/', 'http://10.0.0.5:81/'],
  ['http://10.0.0.5:81/app', 'http://10.0.0.5:81/app'],
  ['http://10.0.0.5:81/app?a=b', 'http://10.0.0.5:81/app?a=b'],
  ['http://10.0.0.5:81?a=/b', 'http://10.0.0.5:81/?a=/b'],
  ['http://10.0.0.5:81#a', 'http://10.0.0.5:81/#a'],
  [' http://10.0.0.5:81\n', 'http://10.0.0.5:81/'],
  ['10.0.0.5:81', '10.0.0.5:81/'],
])('of the backend %j x-debug tells %s', (url, told) => {
  const route = new TableRoute('app.test', ['app', url], undefined)
  const request = { asked: nothingAsked, route, backendIndex: 0, startedAt: 0, backendStartedAt: 0 }
  expect(debugFields(request)).toContain(`x-debug-backend-url: ${told}\r\n`)
})

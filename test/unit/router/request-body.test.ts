import { expect, test } from 'vitest'
import { bodyOf } from '../../../src/router/forward/request-body.ts'
import { framing } from '../../../src/router/http/framing.ts'
import { RequestHead } from '../../../src/router/http/request-head.ts'

test('of a request without a body all can be sent again, whatever became of others', () => {
  const one = bodyOf(new RequestHead())
  one.forget()
  expect(one).toMatchObject({ done: true, whole: true, kept: 0 })
  const empty = bodyOf(Object.assign(new RequestHead(), { framing: framing.length, contentLength: 0 }))
  expect(empty).toMatchObject({ done: true, whole: true, kept: 0 })
})

test('a body that is forgotten cannot be sent again', () => {
  const body = bodyOf(Object.assign(new RequestHead(), { framing: framing.length, contentLength: 3 }))
  expect(body).toMatchObject({ done: false, whole: true })
  const bytes = Buffer.from('abcd')
  expect(body.read(bytes, 0, 4, true, undefined)).toBe(3)
  expect(body).toMatchObject({ done: true, whole: true, kept: 3 })
  body.forget()
  expect(body.whole).toBe(false)
})

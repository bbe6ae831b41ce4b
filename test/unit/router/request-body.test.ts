import { expect, test } from 'vitest'
import { bodyOf } from '../../../src/router/forward/request-body.ts'
import { framing } from '../../../src/router/http/framing.ts'
import { RequestHead } from '../../../src/router/http/request-head.ts'

test('of a request without a body all can be sent again, whatever became of others', () => {
  const one = bodyOf(new RequestHead())
  one.forget()
  expect(one).toMatchObject({ done: true, whole: true })
  const empty = bodyOf(Object.assign(new RequestHead(), { framing: framing.length, contentLength: 0 }))
  expect(empty).toMatchObject({ done: true, whole: true })
})

test('a body that is forgotten cannot be sent again', () => {
  const body = bodyOf(Object.assign(new RequestHead(), { framing: framing.length, contentLength: 3 }))
  expect(body).toMatchObject({ done: false, whole: true })
  const bytes = Buffer.from('abcd')
  expect(body.read(bytes, 0, 4, true, undefined)).toBe(3)
  expect(body).toMatchObject({ done: true, whole: true })
  body.forget()
  expect(body.whole).toBe(false)
})

test('of many small pieces fewer bytes are kept than of few', () => {
  const body = bodyOf(Object.assign(new RequestHead(), { framing: framing.chunked }))
  const chunk = Buffer.from('1\r\nx\r\n')
  for (let i = 0; i < 500; i += 1) body.read(chunk, 0, chunk.length, false, undefined)
  expect([body.isOver(64 * 1024), body.isOver(500 * 6), body.isOver(500 * 6 - 1)]).toEqual([
    false,
    false,
    true,
  ])
  for (let i = 0; i < 20; i += 1) body.read(chunk, 0, chunk.length, false, undefined)
  expect(body.isOver(64 * 1024)).toBe(true)
})

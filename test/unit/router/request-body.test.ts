import { expect, test } from 'vitest'
import { bodyOf } from '../../../src/router/forward/request-body.ts'
import { type Outbox } from '../../../src/router/forward/outbox.ts'
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

test('many small pieces are sent again as they came', () => {
  const body = bodyOf(Object.assign(new RequestHead(), { framing: framing.chunked }))
  const chunks = Buffer.from(
    `${'1\r\nx\r\n'.repeat(100_000)}1388\r\n${'y'.repeat(5000)}\r\n${'1\r\nz\r\n'.repeat(10)}0\r\n\r\n`,
  )
  body.read(chunks, 0, chunks.length, false, undefined)
  let again = ''
  const out = {
    text: (text: string) => (again += text),
    bytes: (buf: Buffer, from: number, to: number) => (again += buf.toString('latin1', from, to)),
  }
  body.writeTo(out as unknown as Outbox)
  expect(again).toBe(chunks.toString('latin1'))
  expect(body.isOver(again.length)).toBe(false)
  expect(body.isOver(again.length - 1)).toBe(true)
})

test('a body of which more is kept than may be is kept no longer, nor what comes of it later', () => {
  const body = bodyOf(Object.assign(new RequestHead(), { framing: framing.length, contentLength: 10_000 }))
  const bytes = Buffer.alloc(5000, 'x')
  body.read(bytes, 0, 5000, false, undefined)
  body.forgetOver(5000)
  expect(body.whole).toBe(true)
  body.forgetOver(4999)
  expect(body.whole).toBe(false)
  body.read(bytes, 0, 5000, false, undefined)
  const again: string[] = []
  body.writeTo({ text: (text: string) => again.push(text) } as unknown as Outbox)
  expect(again).toEqual([])
  expect(body).toMatchObject({ done: true, whole: false })
})

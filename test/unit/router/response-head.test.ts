import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseResponseHead, ResponseHead } from '../../../src/router/http/response-head.ts'

const kept = fc.constantFrom(
  'Server: x',
  'Content-Type: text/plain',
  'X-Connection: close',
  'Date:',
  'ETag: "é"',
)
const dropped = fc.constantFrom(
  'Connection: keep-alive',
  'connection:close',
  'Keep-Alive: timeout=5',
  'Upgrade: h2c',
  'Proxy-Authenticate: Basic',
  'Trailer: Expires',
)

test('of a head and what came behind it, only the fields about the connection are missing', () => {
  const lines = fc.array(fc.oneof(kept, dropped), { maxLength: 12 })
  const status = fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.0 200 OK', 'HTTP/1.1 204 ', 'HTTP/1.1 204')
  const body = fc.string({ maxLength: 100 })
  const around = fc.string({ maxLength: 20 })
  const one = new ResponseHead()
  fc.assert(
    fc.property(status, lines, body, around, around, (first, fields, rest, before, after) => {
      const text = `${[first, ...fields].join('\r\n')}\r\n\r\n${rest}`
      const buf = Buffer.from(before + text + after, 'latin1')
      const end = before.length + text.length
      expect(parseResponseHead(one, buf, before.length, end)).toBe(end - rest.length)
      const passed = fields.filter(
        (line) => !/^(?:connection|keep-alive|upgrade|proxy-a|trailer)/i.test(line),
      )
      const start = first.replace('/1.0', '/1.1').replace(/204$/, '204 ')
      expect(one.lines).toBe([start, ...passed, ''].join('\r\n'))
      expect(one.alone).toBe(`${one.lines}\r\n`)
      expect(one.rest).toBe(rest)
      expect(one.restLength).toBe(rest.length)
      expect(one.text).toBe(one.alone + rest)
      // Around it are other messages, and the body is where it was.
      expect(buf.toString('latin1', 0, before.length)).toBe(before)
      expect(buf.toString('latin1', end - rest.length)).toBe(rest + after)
    }),
  )
})

test('a head that is not whole is left as it is', () => {
  const text = 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nX: y\r\n\r\n'
  for (let end = 0; end < text.length; end += 1) {
    const buf = Buffer.from(text)
    expect(parseResponseHead(new ResponseHead(), buf, 0, end)).toBe(0)
    expect(buf.toString()).toBe(text)
  }
})

test('a name with an underscore is another field, and none that frames the body', () => {
  const parse = (head: ResponseHead, fields: string): number => {
    const text = `HTTP/1.1 503 Busy\r\n${fields}\r\n`
    return parseResponseHead(head, Buffer.from(text), 0, text.length)
  }
  const head = new ResponseHead()
  for (const field of ['Content_Length: 2', 'content_length: 2', 'Transfer_Encoding: chunked']) {
    expect(parse(head, `${field}\r\n`)).toBe(-1)
    expect(parse(head, `Content-Length: 2\r\n${field}\r\n`)).toBe(-1)
    expect(parse(head, `${field}\r\nContent-Length: 2\r\n`)).toBe(-1)
  }
  expect(
    parse(head, 'Keep_Alive: timeout=5\r\nRetry_After: 9\r\nProxy_Connection: close\r\n'),
  ).toBeGreaterThan(0)
  expect(head).toMatchObject({ keepAlive: true, keepAliveSeconds: -1, retryAfter: false })
  expect(head.lines).toBe('HTTP/1.1 503 Busy\r\nRetry_After: 9\r\n')
  expect(parse(head, 'Retry-After: 9\r\nRetry_After: 9\r\nKeep-Alive: timeout=5\r\n')).toBeGreaterThan(0)
  expect(head).toMatchObject({ keepAliveSeconds: 5, retryAfter: true })
})

test('fields that Connection names are missing, too', () => {
  const head = new ResponseHead()
  const text = 'HTTP/1.1 200\r\nX-Hop: 1\r\nConnection: X-Hop, close\r\nContent-Length: 2\r\n\r\nok'
  parseResponseHead(head, Buffer.from(text), 0, text.length)
  expect(head.text).toBe('HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok')
  expect(head).toMatchObject({ keepAlive: false, contentLength: 2, restLength: 2 })
})

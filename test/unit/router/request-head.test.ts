import { performance } from 'node:perf_hooks'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isOffered } from '../../../src/router/http/connection.ts'
import { noHost, parseRequestHead, RequestHead } from '../../../src/router/http/request-head.ts'

const head = new RequestHead()
const known = noHost()
const parse = (text: string): number => parseRequestHead(head, Buffer.from(text), 0, text.length, known)
const get = (fields: string): string => `GET / HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`

test('an empty line before a request may arrive in halves', () => {
  const text = `\r\n${get('')}`
  for (let end = 1; end < text.length; end += 1) expect(parse(text.slice(0, end))).toBe(0)
  expect(parse(text)).toBe(text.length)
  expect(parse('\rG')).toBe(-400)
  expect(parse('\r\n\r\n')).toBe(-400)
})

test('a Host that is empty is malformed, and is so before any other', () => {
  for (const target of ['/', 'http://a.test/']) {
    const text = `GET ${target} HTTP/1.1\r\nHost: \r\n\r\n`
    expect(parseRequestHead(new RequestHead(), Buffer.from(text), 0, text.length, noHost())).toBe(-400)
  }
})

test('what was asked for before decides nothing about what is asked for next', () => {
  const targets = fc.constantFrom('/', 'http://a.test/', 'https://B.test:8080', 'http://[::1]/', '*')
  const hosts = fc.constantFrom(
    'a.test',
    'A.test',
    'a.test:80',
    'a.tes',
    'b.test',
    '[::1]',
    'a..test',
    '',
    'a.test, b.test',
  )
  fc.assert(
    fc.property(fc.array(fc.record({ target: targets, host: hosts }), { maxLength: 8 }), (asked) => {
      const remembered = noHost()
      for (const { target, host } of asked) {
        const bytes = Buffer.from(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
        const [one, anew] = [new RequestHead(), new RequestHead()]
        const status = parseRequestHead(one, bytes, 0, bytes.length, remembered)
        expect(status).toBe(parseRequestHead(anew, bytes, 0, bytes.length, noHost()))
        if (status > 0) expect(one).toEqual(anew)
      }
    }),
  )
})

test('what Connection nominates is not for the backend, nor for us', () => {
  const text = get(
    'Connection: expect, Cookie\r\nExpect: 100-continue\r\nCookie: a=b\r\nContent-Length: 2\r\n',
  )
  expect(parse(text)).toBe(text.length)
  expect(head).toMatchObject({ expectsContinue: false, cookie: '' })
  expect(head.lines).not.toMatch(/expect|cookie/i)
})

test('what is offered in Upgrade', () => {
  const upgrade = (fields: string): string => {
    const text = get(`Connection: x, Upgrade\r\n${fields}\r\n`)
    expect(parse(text)).toBe(text.length)
    return head.upgrade
  }
  expect(upgrade('Upgrade: websocket')).toBe('websocket')
  expect(upgrade('Upgrade: , WebSocket ,,foo/2\r\nUpgrade: h2c')).toBe('WebSocket, foo/2')
  expect(upgrade('Upgrade: h2c, H2C')).toBe('')
  expect(upgrade('Upgrade: websocket, f o')).toBe('')
  expect(upgrade('Upgrade: websocket\r\nContent-Length: 0')).toBe('websocket')
  expect(upgrade('Upgrade: websocket\r\nContent-Length: 1')).toBe('')
  expect(upgrade('Upgrade: websocket\r\nTransfer-Encoding: chunked')).toBe('')
  expect(isOffered('WebSocket, foo/2', 'FOO/2')).toBe(true)
  for (const other of ['', 'foo', 'WebSocket, foo/2', ','])
    expect(isOffered('WebSocket, foo/2', other)).toBe(false)
  expect(isOffered('', '')).toBe(false)
})

test('many spaces in a list cost no more than other bytes', () => {
  const list = `a${' '.repeat(16_000)}b`
  const from = performance.now()
  for (let i = 0; i < 10; i += 1) parse(get(`Connection: upgrade, ${list}\r\n`))
  for (let i = 0; i < 10; i += 1) parse(get(`Connection: upgrade\r\nUpgrade: ${list}\r\n`))
  // A look from each space to the last takes a hundred times as long.
  expect(performance.now() - from).toBeLessThan(500)
})

test('what only responses act on is passed on of requests', () => {
  for (const line of ['Date: x', 'Retry-After: 1', 'Retry_After: 2']) {
    const text = get(`${line}\r\n`)
    expect(parse(text)).toBe(text.length)
    expect(head.lines).toContain(`\r\n${line}\r\n`)
  }
})

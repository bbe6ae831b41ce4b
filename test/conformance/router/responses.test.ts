import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { modes, startPlane } from './lane.ts'

/** What the client must see: this exact head line and body, 502, or a connection that is cut off. */
type Expected = { status: number; body: string } | 502 | 'cut'

const dateLine = /Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/
const allBytes = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))

const cases: [string, string, Expected, { method?: string; version?: string; ends?: boolean }?][] = [
  ['plain', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc', { status: 200, body: 'abc' }],
  [
    'with a date',
    'HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 3\r\n\r\nabc',
    { status: 200, body: 'abc' },
  ],
  [
    'a reason like a field that Connection names',
    'HTTP/1.1 200 a:b\r\nConnection: http/1.1 200 a\r\nContent-Length: 3\r\n\r\nabc',
    { status: 200, body: 'abc' },
  ],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc', { status: 200, body: 'abc' }],
  [
    'chunked',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    { status: 200, body: '3\r\nabc\r\n0\r\n\r\n' },
  ],
  [
    'chunked with extension and trailer',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-T: v\r\n\r\n',
    { status: 200, body: '3\r\nabc\r\n0\r\n\r\n' },
  ],
  [
    'chunked to HTTP/1.0',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    { status: 200, body: 'abc' },
    { version: '1.0' },
  ],
  [
    'until close',
    'HTTP/1.1 200 OK\r\n\r\nabc',
    { status: 200, body: '3\r\nabc\r\n0\r\n\r\n' },
    { ends: true },
  ],
  [
    'until close to HTTP/1.0',
    'HTTP/1.1 200 OK\r\n\r\nabc',
    { status: 200, body: 'abc' },
    { ends: true, version: '1.0' },
  ],
  ['HTTP/1.0 backend', 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc', { status: 200, body: 'abc' }],
  [
    'HEAD with a length',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n',
    { status: 200, body: '' },
    { method: 'HEAD' },
  ],
  [
    'HEAD with a body',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    { status: 200, body: '' },
    { method: 'HEAD' },
  ],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: '' }],
  ['204 with a body', 'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc', { status: 204, body: '' }],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n', { status: 304, body: '' }],
  ['304 with a body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabc', { status: 304, body: '' }],
  [
    '103 first',
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    { status: 103, body: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc' },
  ],
  [
    '103 that tells a length',
    'HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    { status: 103, body: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc' },
  ],
  [
    '103 to HTTP/1.0',
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    { status: 200, body: 'abc' },
    { version: '1.0' },
  ],
  [
    'surplus bytes',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n',
    { status: 200, body: 'abc' },
  ],
  [
    'more surplus bytes than are decoded with a head',
    `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n${'poison'.repeat(1000)}`,
    { status: 200, body: '' },
  ],
  [
    'a body that is decoded with its head, of all bytes',
    `HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n${allBytes}`,
    { status: 200, body: allBytes },
  ],
  [
    'early answer twice',
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison',
    { status: 200, body: '' },
  ],
  [
    'Content-Length with Transfer-Encoding',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    502,
  ],
  ['two Content-Lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc', 502],
  ['list of Content-Lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc', 502],
  ['negative Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc', 502],
  ['Content_Length', 'HTTP/1.1 200 OK\r\nContent_Length: 3\r\n\r\nabc', 502],
  ['Content.Length', 'HTTP/1.1 200 OK\r\nContent.Length: 3\r\n\r\nabc', 502],
  ['Transfer.Encoding', 'HTTP/1.1 200 OK\r\nTransfer.Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', 502],
  [
    'Content_Length and Content-Length',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent_Length: 3\r\n\r\nabc',
    502,
  ],
  ['Transfer_Encoding', 'HTTP/1.1 200 OK\r\nTransfer_Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', 502],
  ['gzip, chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 502],
  ['Transfer-Encoding in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 502],
  ['bare CR in a field', 'HTTP/1.1 200 OK\r\nX-A: b\rc\r\nContent-Length: 0\r\n\r\n', 502],
  ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', 502],
  ['NUL', 'HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n', 502],
  ['obs-fold', 'HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n', 502],
  ['space before the colon', 'HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 0\r\n\r\n', 502],
  ['HTTP/0.9', '<html>hello</html>', 502],
  ['HTTP/2', 'HTTP/2 200 OK\r\n\r\n', 502],
  ['status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 502],
  ['status 999', 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n', 502],
  ['1001 fields', `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${'A: b\r\n'.repeat(1000)}\r\n`, 502],
  [
    '1000 fields',
    `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${'Set-Cookie: b\r\n'.repeat(999)}\r\n`,
    { status: 200, body: '' },
  ],
  ['head of 1 MB', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(1_000_000)}\r\n\r\n`, 502],
  [
    'unasked 101',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    502,
  ],
  ['endless 1xx', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(50), 'cut'],
  ['closed at once', '', 502, { ends: true, method: 'POST' }],
  ['closed in the head', 'HTTP/1.1 200 OK\r\nContent-', 502, { ends: true }],
  ['closed in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc', 'cut', { ends: true }],
  [
    'closed in a chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30\r\nabc',
    'cut',
    { ends: true },
  ],
  [
    'closed before the last chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    'cut',
    { ends: true },
  ],
  ['bad chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX0\r\n\r\n', 'cut'],
]

describe.each(modes)('responses, with %s', (_name, mode) => {
  test.each(cases)('%s', async (_case, raw, expected, options = {}) => {
    let connections = 0
    const backend = createServer((socket) => {
      connections += 1
      socket.on('error', () => undefined)
      socket.on('data', () => {
        if (options.ends === true) socket.end(raw, 'latin1')
        else socket.write(raw, 'latin1')
      })
    })
    backend.listen(0, '127.0.0.1')
    await once(backend, 'listening')
    const { port } = backend.address() as AddressInfo
    const plane = await startPlane({ routes: { 'good.test': [`http://127.0.0.1:${port}`] }, mode })
    try {
      const method = options.method ?? 'GET'
      const seen = await talk(
        plane.port,
        `${method} / HTTP/${options.version ?? '1.1'}\r\nHost: good.test\r\nConnection: close\r\n\r\n`,
      )
      if (expected === 'cut') {
        expect(seen.reset || !/\r\n0\r\n\r\n$/.test(seen.text)).toBe(true)
        expect(seen.text.endsWith('0\r\n\r\n')).toBe(false)
      } else if (expected === 502) {
        expect(seen.text).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/)
        expect(seen.text.match(/HTTP\/1\.1/g)).toHaveLength(1)
      } else {
        const headEnd = seen.text.indexOf('\r\n\r\n')
        expect(seen.text).toMatch(new RegExp(`^HTTP/1\\.1 ${expected.status} ?`))
        if (expected.status === 103) expect(seen.text.slice(0, headEnd)).not.toMatch(/content-length/i)
        const rest = seen.text.slice(headEnd + 4)
        expect(rest.replace('Connection: close\r\n', '').replace(dateLine, '')).toBe(expected.body)
        // One Date (RFC 9110, 6.6.1): the backend's own, or when its answer came.
        const dates = seen.text.match(/^Date: .*$/gim)
        expect(dates).toHaveLength(1)
        if (raw.toLowerCase().includes('date: ')) expect(raw).toContain(dates![0])
      }
      // Whatever was wrong, the next request does not meet what the backend said too much.
      const next = await talk(
        plane.port,
        `${method} / HTTP/1.1\r\nHost: good.test\r\nConnection: close\r\n\r\n`,
      )
      expect(next.text === '' || next.text.startsWith('HTTP/1.1 ')).toBe(true)
      expect(next.text).not.toContain('poison')
      if (expected === 502 || expected === 'cut' || raw.includes('poison'))
        expect(connections).toBeGreaterThan(1)
    } finally {
      plane.close()
      backend.close()
    }
  })
})

function talk(port: number, request: string): Promise<{ text: string; reset: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let text = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`still open after ${JSON.stringify(text.slice(0, 200))}`))
    }, 15_000)
    const finish = (reset: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, reset })
    }
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('end', () => finish(false))
    socket.on('error', () => finish(true))
    socket.write(request)
  })
}

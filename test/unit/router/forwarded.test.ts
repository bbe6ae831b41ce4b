import { expect, test } from 'vitest'
import { clientOf, originOf, upstreamHead } from '../../../src/router/client/forwarded.ts'
import { trustedPeers } from '../../../src/router/client/proxy-protocol.ts'
import { noHost, parseRequestHead, RequestHead } from '../../../src/router/http/request-head.ts'

const trusts = trustedPeers(['10.0.0.0/8'])
const peer = '10.0.0.1'

/** What a backend is told by a trusted proxy's request with these fields, by name. */
function told(...fields: string[]): Record<string, string> {
  const head = parsed(fields)
  const lines = upstreamHead(head, originOf(peer, { proto: 'http', port: 8080 }), trusts, 'id').split('\r\n')
  return Object.fromEntries(
    lines.filter((line) => line.includes(': ')).map((line) => line.split(': ') as [string, string]),
  )
}

function parsed(fields: string[], host = 'a.test'): RequestHead {
  const head = new RequestHead()
  const text = ['GET / HTTP/1.1', `Host: ${host}`, ...fields, '', ''].join('\r\n')
  expect(parseRequestHead(head, Buffer.from(text), 0, text.length, noHost())).toBe(text.length)
  return head
}

test('what a trusted proxy says stands', () => {
  expect(
    told(
      'X-Forwarded-For: 203.0.113.9',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: www.test',
      'X-Forwarded-Port: 8443',
      'X-Request-Id: theirs',
      'Forwarded: for=203.0.113.9;proto=https',
    ),
  ).toEqual({
    Host: 'a.test',
    'X-Forwarded-For': '203.0.113.9, 10.0.0.1',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'www.test',
    'X-Forwarded-Port': '8443',
    'X-Real-IP': '203.0.113.9',
    Forwarded: 'for=203.0.113.9;proto=https, for=10.0.0.1;host="a.test";proto=http',
    'X-Request-Id': 'theirs',
  })
})

test('in a spelling that proxies do not write, it is what their client says', () => {
  const client = ['X_Forwarded_For: 127.0.0.1', 'X-Forwarded_Proto: https', 'X_Forwarded-Host: evil.test']
  const more = [
    'X_Request_Id: evil',
    'X_Real_IP: 127.0.0.1',
    'X_Forwarded_Port: 1',
    'X_Debug: 1',
    'X.Forwarded.For: 127.0.0.1',
  ]
  expect(told('X-Forwarded-For: 203.0.113.9', 'X-Forwarded-Proto: http', ...client, ...more)).toEqual(
    told('X-Forwarded-For: 203.0.113.9', 'X-Forwarded-Proto: http'),
  )
  expect(parsed(['X_Debug: 1']).debug).toBe(false)
})

test('Forwarded and the port agree with the X-Forwarded-… of a proxy that sends nothing else', () => {
  const fields = told(
    'X-Forwarded-For: 203.0.113.9',
    'X-Forwarded-Proto: HTTPS',
    'X-Forwarded-Host: www.test',
  )
  expect(fields.Forwarded).toBe('for=203.0.113.9;host="www.test";proto=https, for=10.0.0.1')
  expect(fields['X-Forwarded-Port']).toBe('443')
  expect(told('X-Forwarded-Proto: http')['X-Forwarded-Port']).toBe('80')
  expect(told('X-Forwarded-Host: www.test:444', 'X-Forwarded-Proto: https')['X-Forwarded-Port']).toBe('444')
  expect(told()['X-Forwarded-Port']).toBe('8080')
  expect(told('X-Forwarded-For: 203.0.113.9')['X-Forwarded-Port']).toBe('8080')
  expect(told('X-Real-IP: 203.0.113.9', 'X-Forwarded-Proto: https').Forwarded).toBe(
    'for=10.0.0.1;host="a.test";proto=https',
  )
  expect(told().Forwarded).toBe('for=10.0.0.1;host="a.test";proto=http')
  expect(told('X-Forwarded-For: 2001:db8::1').Forwarded).toBe(
    'for="[2001:db8::1]";host="a.test";proto=http, for=10.0.0.1',
  )
  // Nothing that would end its element.
  expect(told('X-Forwarded-Host: a";proto=x', 'X-Forwarded-Proto: https,http').Forwarded).toBe(
    'for=10.0.0.1;host="a.test";proto=http',
  )
})

test.each([
  ['203.0.113.9:4711', '203.0.113.9'],
  ['[2001:db8::1]:4711', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['203.0.113.9, 10.1.1.1:80', '203.0.113.9'],
])('%s is understood', (chain, address) => {
  const fields = [`X-Forwarded-For: ${chain}`, 'X-Real-IP: 127.0.0.1']
  expect(told(...fields)['X-Real-IP']).toBe(address)
  expect(clientOf(parsed(fields), peer, trusts)).toBe(address)
})

test('whom a trusted proxy does not name is nobody, and not the proxy', () => {
  const fields = ['X-Forwarded-For: unknown', 'X-Real-IP: 127.0.0.1']
  expect(told(...fields)['X-Real-IP']).toBe(peer)
  expect(clientOf(parsed(fields), peer, trusts)).toBeUndefined()
  expect(clientOf(parsed(['X-Forwarded-For: _x, 10.0.0.2']), peer, trusts)).toBeUndefined()
  expect(clientOf(parsed([]), peer, trusts)).toBe(peer)
  // In other words, which may be its client's own.
  for (const field of ['Forwarded: for=127.0.0.1', 'X-Real-IP: 127.0.0.1'])
    expect(clientOf(parsed([field]), peer, trusts)).toBeUndefined()
  // Nor is who is not believed, such as a proxy on this machine that nobody has named, its clients.
  expect(clientOf(parsed(fields), '127.0.0.1', undefined)).toBeUndefined()
  expect(clientOf(parsed([]), '127.0.0.1', undefined)).toBe('127.0.0.1')
})

test('empty members of a chain are nothing', () => {
  const fields = ['X-Forwarded-For: , 203.0.113.9,, 10.0.0.2 ,']
  expect(clientOf(parsed(fields), peer, trusts)).toBe('203.0.113.9')
  const text = upstreamHead(parsed(fields), originOf(peer, { proto: 'http', port: 8080 }), trusts, 'id')
  expect(text).toContain('X-Real-IP: 203.0.113.9\r\n')
})

test('a port that is named with the host is the one', () => {
  const head = parsed(['X-Forwarded-Proto: https'], 'a.test:8443')
  const text = upstreamHead(head, originOf(peer, { proto: 'http', port: 8080 }), trusts, 'id')
  expect(text).toContain('X-Forwarded-Port: 8443\r\n')
})

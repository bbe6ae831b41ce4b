import { expect, test } from 'vitest'
import { backendAddress, tlsTo } from '../../../src/model/backend-address.ts'

test.each(['http://10.0.0.5:81', 'http://10.0.0.5:81\n', ' \thttp://10.0.0.5:81/ ', '10.0.0.5:81\r\n'])(
  'white space around %j does not count',
  (url) => {
    expect(backendAddress(url)).toEqual({ host: '10.0.0.5', port: 81, tls: false })
  },
)

test.each([
  '',
  ' \n',
  'http://',
  'http://10.0.0.5 :81',
  'http: //10.0.0.5:81',
  'http://10.0.0.5:8 1',
  'name',
  'name:',
  // Node would throw.
  'http://a\0b:80',
])('%j names no host', (url) => {
  expect(backendAddress(url)).toBeUndefined()
})

test('an empty port is none, as RFC 3986 and Hipache have it', () => {
  expect(backendAddress('http://10.0.0.5:')).toEqual({ host: '10.0.0.5', port: 80, tls: false })
  expect(backendAddress('https://app.example.com:/')).toMatchObject({ port: 443, tls: true })
})

test('a backend is asked for by its name, without the dot at the end, and not by an address', () => {
  const nameOf = (url: string): string | undefined => tlsTo(backendAddress(url)!).servername
  expect(nameOf('https://app.example.com:8443')).toBe('app.example.com')
  expect(nameOf('https://app.example.com.')).toBe('app.example.com')
  expect(nameOf('https://10.0.0.1')).toBeUndefined()
  expect(nameOf('https://[fd00::1]:443')).toBeUndefined()
})

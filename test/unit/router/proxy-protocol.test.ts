import { expect, test } from 'vitest'
import { parseProxyHeader, trustedPeers } from '../../../src/router/client/proxy-protocol.ts'

const parse = (bytes: string | Buffer) => {
  const buf = Buffer.from(bytes as string, 'latin1')
  return parseProxyHeader(buf, 0, buf.length)
}
const signature = '\r\n\r\n\0\r\nQUIT\n'
const v2 = (versionAndCommand: number, family: number, body: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(signature, 'latin1'),
    Buffer.from([versionAndCommand, family, body.length >> 8, body.length & 255]),
    body,
  ])
const four = Buffer.from([7, 7, 7, 8, 1, 1, 1, 1, 0, 1, 0, 80])
const six = (address: string): Buffer => Buffer.from(`${address}${'0'.repeat(32)}00010050`, 'hex')

test.each<[string | Buffer, string | undefined, boolean?]>([
  ['PROXY TCP4 1.2.3.4 5.6.7.8 0 65535\r\n', '1.2.3.4'],
  ['PROXY TCP6 2001:DB8:0:0:0::7 ::1 1 80\r\n', '2001:db8::7'],
  ['PROXY UNKNOWN\r\n', undefined],
  ['PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n', undefined],
  [v2(0x21, 0x11, four), '7.7.7.8'],
  [v2(0x21, 0x11, Buffer.concat([four, Buffer.from([4, 0, 1, 9])])), '7.7.7.8'],
  [v2(0x21, 0x21, six('20010db8000000000000000000000005')), '2001:db8::5'],
  [v2(0x21, 0x21, six('00000000000000000000ffff08080808')), '::ffff:8.8.8.8'],
  [v2(0x20, 0, Buffer.alloc(0)), undefined, true],
  [v2(0x20, 0x11, four), undefined, true],
  // Whatever a family that does not matter may be.
  [v2(0x20, 0xff, Buffer.alloc(0)), undefined, true],
  [v2(0x21, 0, Buffer.alloc(0)), undefined],
  [v2(0x21, 0x10, four), undefined],
  [v2(0x21, 0x31, Buffer.alloc(216)), undefined],
  [v2(0x21, 0x12, four), '7.7.7.8'],
  [v2(0x21, 0x11, Buffer.concat([four, Buffer.alloc(2000)])), '7.7.7.8'],
])('%j is accepted', (bytes, address, local = false) => {
  expect(parse(bytes)).toEqual({ length: bytes.length, address, local })
})

test.each([
  ['PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n'],
  ['PROXY TCP4 1.2.3.4 5.6.7.8 65536 80\r\n'],
  ['PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n'],
  ['PROXY TCP4 1.2.3.4 5.6.7.8 01 80\r\n'],
  ['PROXY TCP4 1.2.3.4 5.6.7.8 1 80 \r\n'],
  ['PROXY TCP4 1.2.3 5.6.7.8 1 80\r\n'],
  ['PROXY TCP4 ::1 ::1 1 80\r\n'],
  ['PROXY TCP6 1.2.3.4 1.2.3.4 1 80\r\n'],
  ['PROXY tcp4 1.2.3.4 5.6.7.8 1 80\r\n'],
  [`PROXY UNKNOWN ${'a'.repeat(100)}\r\n`],
  [`PROXY ${'a'.repeat(200)}`],
  [v2(0x11, 0x11, four)],
  [v2(0x22, 0x11, four)],
  [v2(0x21, 0x11, four.subarray(0, 8))],
  [v2(0x21, 0x21, four)],
  [v2(0x21, 0x11, Buffer.alloc(5000))],
  [v2(0x21, 0x41, four)],
  [v2(0x21, 0x13, four)],
])('%j is refused', (bytes) => {
  expect(parse(bytes)).toBeUndefined()
})

test('trusted peers are addresses and ranges of both families', () => {
  const trusts = trustedPeers(['10.0.0.0/8', '192.0.2.1', 'fd00::/8', '::1'])
  for (const address of ['10.1.2.3', '192.0.2.1', 'fd12::1', '::1']) expect(trusts(address)).toBe(true)
  for (const address of ['11.1.2.3', '192.0.2.2', 'fe80::1', '::2']) expect(trusts(address)).toBe(false)
  expect(trustedPeers([])('127.0.0.1')).toBe(false)
  expect(trustedPeers(['0.0.0.0/0'])('8.8.8.8')).toBe(true)
})

test.each([
  '10.0.0.1/',
  '10.0.0.0/33',
  '10.0.0.0/8/8',
  '10.0.0.0/0x8',
  '10.0.0.0/ 8',
  '::1/129',
  'x',
  '',
  'a/8',
])('the range %j is refused', (range) => {
  expect(() => trustedPeers([range])).toThrow('is not an address or a CIDR range')
})

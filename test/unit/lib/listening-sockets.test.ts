import { expect, test } from 'vitest'
import { parseSocketTable } from '../../../src/lib/listening-sockets.ts'

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n'
const line = (local: string, state: string): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000  0 1 1 0 100 0 0 10 0\n`

test.each([
  ['every address', '00000000:1388', { port: 5000, loopback: false }],
  ['127.0.0.1', '0100007F:1F90', { port: 8080, loopback: true }],
  ['a loopback address of its own', '0501007F:0050', { port: 80, loopback: true }],
  ['every IPv6 address', '00000000000000000000000000000000:1388', { port: 5000, loopback: false }],
  ['::1', '00000000000000000000000001000000:1388', { port: 5000, loopback: true }],
  ['::ffff:127.0.0.1', '0000000000000000FFFF00000100007F:1388', { port: 5000, loopback: true }],
])('reads a socket that listens on %s', (_, local, socket) => {
  expect(parseSocketTable(head + line(local, '0A'))).toEqual([socket])
})

test('leaves out connections, and the DNS that the engine puts into a container', () => {
  const table = head + line('0B00007F:A1B2', '0A') + line('020012AC:1388', '01')
  expect(parseSocketTable(table)).toEqual([])
})

test('takes no table for an empty one', () => {
  expect(parseSocketTable('')).toEqual([])
})

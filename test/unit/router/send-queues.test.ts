import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createSendQueues } from '../../../src/router/forward/send-queues.ts'
import { eventually } from '../../integration/router/support/router.ts'

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const rest = '00:00000000 00000000     0        0 19015122 1 00000000bf9d8cf6 100 0 0 10 0\n'

test('what the kernel has to send is told by connection, of IPv4 in each of its forms and IPv6', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'paas-queues-'))
  try {
    const [four, six] = [join(directory, 'tcp'), join(directory, 'tcp6')]
    writeFileSync(
      four,
      `${head}   0: 0100007F:1F90 0200007F:C350 01 0012D687:00000000 ${rest}` +
        `  12: 0100007F:1F90 0200007F:C351 01 00000000:00000010 ${rest}`,
    )
    writeFileSync(
      six,
      `${head}   0: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000500000A:C352 01 00000001:00000000 ${rest}` +
        `   1: B80D0120000000000000000001000000:1F90 B80D0120000000000000000007000000:C353 01 000000FF:00000000 ${rest}`,
    )
    const queues = createSendQueues([four, six, join(directory, 'none')])
    const of = (remoteAddress: string, remotePort: number) =>
      queues.of({ localPort: 8080, remotePort, remoteAddress })
    expect(of('127.0.0.2', 50_000)).toBeUndefined()
    await eventually(() => of('127.0.0.2', 50_000) === 0x12d687)
    expect(of('::ffff:127.0.0.2', 50_000)).toBe(0x12d687)
    expect(of('127.0.0.2', 50_001)).toBeUndefined()
    expect(of('::ffff:10.0.0.5', 50_002)).toBe(1)
    expect(of('2001:db8::7', 50_003)).toBe(255)
    expect(of('2001:db8::7', 50_000)).toBeUndefined()
  } finally {
    rmSync(directory, { recursive: true })
  }
})

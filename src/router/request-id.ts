import { randomFillSync } from 'node:crypto'
import { latin1 } from './http/bytes.ts'

const poolBytes = 16 * 1024
const idBytes = 16

/** 128 random bits as 32 hexadecimal digits; random bytes are fetched for many at once. */
export function requestIds(): () => string {
  const pool = Buffer.allocUnsafeSlow(poolBytes)
  let hex = ''
  let at = Infinity
  return () => {
    if (at + 2 * idBytes > hex.length) {
      randomFillSync(pool)
      const digits = Buffer.from(pool.toString('hex'), 'latin1')
      hex = latin1(digits, 0, digits.length)
      at = 0
    }
    at += 2 * idBytes
    return hex.slice(at - 2 * idBytes, at)
  }
}

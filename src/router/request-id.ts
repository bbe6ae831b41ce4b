import { randomFillSync } from 'node:crypto'
import { inOnePiece } from './http/bytes.ts'

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
      hex = inOnePiece(pool.toString('hex'))
      at = 0
    }
    at += 2 * idBytes
    return hex.slice(at - 2 * idBytes, at)
  }
}

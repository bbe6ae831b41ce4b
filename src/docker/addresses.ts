import { randomInt } from 'node:crypto'
import { formatIp, parseIp, type Subnet } from '../lib/subnet.ts'

/**
 * Hands out the addresses of a network in turn, so that what asks for a container that has just died does not reach
 * the next one that starts, which the engine by itself would give the same address. `inUse` tells which ones are
 * taken; it is asked once a round, since what was handed out in a round is not met again in it. Resolves to
 * undefined where all are taken.
 */
export function rotateAddresses(
  { address: first, bits }: Subnet,
  inUse: () => Promise<string[]>,
): () => Promise<string | undefined> {
  // All but the network's own address, the gateway's and the one for broadcasts.
  const count = 2 ** (32 - bits) - 3
  let position = randomInt(count)
  let left = 0
  let taken = new Set<number>()

  async function next(): Promise<string | undefined> {
    for (let tried = 0; tried < count; tried++) {
      if (left === 0) {
        taken = new Set((await inUse()).map(parseIp))
        left = count
      }
      left--
      position = (position + 1) % count
      const address = first + 2 + position
      if (!taken.has(address)) return formatIp(address)
    }
    return undefined
  }

  let last: Promise<unknown> = Promise.resolve()
  return () => {
    const mine = last.then(next)
    last = mine.catch(() => undefined)
    return mine
  }
}

import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Ports that the kernel gives to nobody, as its own begin at 32768: one that is found free here stays so until it is used,
 * whatever others connect from or listen on meanwhile. Each worker of vitest has some to itself.
 */
const [first, each] = [20_000, 2000]
const from = first + each * (Number(process.env['VITEST_POOL_ID'] ?? 0) % 6)
let next = Math.floor(Math.random() * each)

/** A port where nobody listens until whoever asked for it does. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = from + (next++ % each)
    const server = createServer().listen(port)
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    server.close()
    if (isFree) return port
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../errors/paas-error.ts'
import { readFrom } from './read.ts'
import { type Ring } from './ring.ts'
import { openSender, type Sender } from './sender.ts'

/** How far a drain is. */
export type DrainState = {
  /** Number of the next line to send. */
  next: number
  sent: number
  /** Lines that the ring had given up before they could be sent. */
  dropped: number
  /** What went wrong last; undefined while it works. */
  problem: string | undefined
}

const mostLines = 500
const firstDelay = 1000
const longestDelay = 60_000

/**
 * Sends a ring's lines on, from `state.next`, until the signal aborts; `state` is kept up to date. While the other
 * side is away lines wait in the ring, on disk, and only what it has to give up meanwhile is dropped, and counted.
 */
export async function drain(
  ring: Ring,
  url: URL,
  app: string,
  state: DrainState,
  signal: AbortSignal,
): Promise<void> {
  let delay = firstDelay
  const ended = (): boolean => signal.aborted || ring.isClosed()
  while (!ended()) {
    let sender: Sender | undefined
    try {
      sender = await openSender(url, app)
      // There may be nothing to send for long.
      if (sender.connected) state.problem = undefined
      for await (const batch of readFrom(ring, state.next, { follow: true, signal })) {
        state.dropped += batch.dropped
        for (let i = 0; i < batch.lines.length; i += mostLines) {
          const lines = batch.lines.slice(i, i + mostLines)
          await sender.send(lines)
          state.next = batch.first + i + lines.length
          state.sent += lines.length
          state.problem = undefined
          delay = firstDelay
        }
      }
    } catch (error) {
      if (ended()) return
      state.problem = messageOf(error)
      await sleep(delay, undefined, { signal }).catch(() => undefined)
      delay = Math.min(delay * 2, longestDelay)
    } finally {
      sender?.close()
    }
  }
}

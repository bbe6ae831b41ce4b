import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger } from 'pino'
import { messageOf } from '../errors/paas-error.ts'
import { type Collector } from './collect.ts'

/** Milliseconds between two looks at all containers, for what no event told. */
const sweepEvery = 30_000

/** Follows every container that there is or that starts, until the signal aborts; comes back with the engine. */
export async function followContainers(options: {
  collector: Collector
  events: (
    signal: AbortSignal,
  ) => AsyncIterable<{ action: string; id: string; labels: Record<string, string> }>
  log: Logger
  signal: AbortSignal
}): Promise<void> {
  const { collector, events, log, signal } = options
  const ended = (): boolean => signal.aborted
  while (!ended()) {
    const session = new AbortController()
    const until = AbortSignal.any([signal, session.signal])
    const sweeping = sweep(collector, until, log)
    try {
      for await (const { action, id, labels } of events(until)) {
        if (action === 'start' && labels['paas.app'] !== undefined) collector.follow({ id })
      }
    } catch (error) {
      if (!ended()) log.warn({ reason: messageOf(error) }, 'cannot follow the output of containers now')
    } finally {
      session.abort()
      await sweeping
    }
    await sleep(1000, undefined, { signal }).catch(() => undefined)
  }
  await collector.ended()
}

async function sweep(collector: Collector, signal: AbortSignal, log: Logger): Promise<void> {
  while (!signal.aborted) {
    await collector.followAll().catch((error: unknown) => {
      log.debug({ reason: messageOf(error) }, 'cannot look at the output of containers now')
    })
    await sleep(sweepEvery, undefined, { signal }).catch(() => undefined)
  }
}

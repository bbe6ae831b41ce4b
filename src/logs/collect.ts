import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger } from 'pino'
import { messageOf } from '../errors/paas-error.ts'
import { type Container, type LogLine as EngineLine, type Scheduler } from '../schedulers/scheduler.ts'
import { type LogBook } from './book.ts'
import { isOf, type LogLine, logTime, paddedTime } from './line.ts'
import { type Positions } from './positions.ts'
import { numberAt, readFrom } from './read.ts'

/** Two streams of a container may come out of order by this much; so far back a resumed one is read again. */
const overlapMs = 2000
/** Lines are handed to the ring in batches of at most this many. */
const batchLines = 500
/** A container that is removed waits this long for its last lines to be taken. */
const settleMs = 2000

export type Collector = ReturnType<typeof createCollector>

/**
 * Follows the output of containers into the logs of their apps. One that was followed before, by this process or
 * an earlier one, goes on where that ended, without a line lost or repeated.
 */
export function createCollector(options: {
  scheduler: Pick<Scheduler, 'logs' | 'inspect' | 'list'>
  book: LogBook
  positions: Positions
  log: Logger
  signal: AbortSignal
}) {
  const { scheduler, book, positions, log, signal } = options
  const following = new Map<string, Promise<void>>()
  const looked = new Set<string>()

  const stopped = (): boolean => signal.aborted

  async function follow(id: string): Promise<void> {
    for (;;) {
      const container = await scheduler.inspect(id)
      if (container === undefined || stopped() || container.attached) return
      await take(container)
      const now = await scheduler.inspect(id)
      // The engine may have gone away under a container that runs on.
      if (now?.running !== true || stopped()) return
      await sleep(200, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Takes one container's lines until it ends. */
  async function take(container: Container): Promise<void> {
    const resumed = positions.get(container.id)
    const from = resumed === undefined ? undefined : resumeAt(resumed, container)
    const seen =
      resumed === undefined ? new Map<string, number>() : await alreadyTaken(book, container, from!)
    if (resumed === undefined) positions.set(container.id, logTime(container.startedAt ?? new Date(0)))
    const since = from === undefined ? {} : { since: from }
    let batch: LogLine[] = []
    let flushing: Promise<void> = Promise.resolve()
    const flush = async (): Promise<void> => {
      const lines = batch
      batch = []
      if (lines.length === 0) return
      await book.write(container.appId, lines)
      positions.set(container.id, lines.at(-1)!.time)
    }
    for await (const found of scheduler.logs(container.id, { follow: true, signal, ...since })) {
      const line = lineOf(container, found)
      if (takeSeen(seen, keyOf(line))) continue
      batch.push(line)
      if (batch.length >= batchLines) {
        await flushing
        await flush()
      } else if (batch.length === 1) {
        // All that comes in one piece of the stream is one batch.
        flushing = new Promise<void>((resolve) => setImmediate(resolve)).then(flush)
        flushing.catch(() => undefined)
      }
    }
    await flushing
    await flush()
  }

  return {
    /** Follows a container unless it is followed already. */
    follow({ id }: { id: string }): void {
      if (following.has(id) || signal.aborted) return
      const done = follow(id)
        .catch((error: unknown) => {
          if (!signal.aborted)
            log.warn({ container: id, reason: messageOf(error) }, 'its output was not taken')
        })
        .finally(() => following.delete(id))
      following.set(id, done)
    },

    /** Resolves when all output of a container that has ended is taken; after two seconds in any case. */
    async settled(id: string): Promise<void> {
      // One that ended at once may be removed before the engine's event about its start is here.
      if (positions.get(id) === undefined) this.follow({ id })
      const done = following.get(id)
      if (done === undefined) return
      const timeout = new AbortController()
      await Promise.race([
        done,
        sleep(settleMs, undefined, { signal: timeout.signal }).catch(() => undefined),
      ])
      timeout.abort()
    },

    /** Follows all containers that there are, and forgets the positions of those that are gone. */
    async followAll(): Promise<void> {
      const containers = await scheduler.list()
      positions.keep(new Set(containers.map(({ id }) => id)))
      for (const container of containers) {
        // What had ended and was taken to its end needs no second look.
        if (container.running || positions.get(container.id) === undefined || !looked.has(container.id)) {
          this.follow(container)
        }
        looked.add(container.id)
      }
    },

    /** Resolves when nothing is followed any more; the signal makes it so. */
    async ended(): Promise<void> {
      await Promise.all(following.values())
    },
  }
}

/** From when a container is read that was taken up to a time; from its start, where that is still to come. */
function resumeAt(taken: string, { startedAt }: Container): Date {
  const time = Date.parse(taken)
  return time > Date.now() + overlapMs ? (startedAt ?? new Date(0)) : new Date(time - overlapMs)
}

function lineOf(container: Container, { time, stream, text }: EngineLine): LogLine {
  const { type, index } = container.slot
  return {
    time: paddedTime(time),
    source: 'app',
    process: `${type}.${index}`,
    stream,
    text,
    container: container.id.slice(0, 12),
  }
}

const keyOf = ({ time, stream, text }: LogLine): string => `${time} ${stream} ${text}`

/** The lines of a container since then that are in its app's ring, each with how often. */
async function alreadyTaken(book: LogBook, container: Container, since: Date): Promise<Map<string, number>> {
  const { app } = await book.rings(container.appId)
  const time = logTime(since)
  const id = container.id.slice(0, 12)
  const { type, index } = container.slot
  const seen = new Map<string, number>()
  const start = await numberAt(app, time)
  const never = new AbortController().signal
  for await (const { lines } of readFrom(app, start, { follow: false, signal: never })) {
    for (const line of lines) {
      if (line.container !== id || line.time < time || !isOf(line, `${type}.${index}`)) continue
      seen.set(keyOf(line), (seen.get(keyOf(line)) ?? 0) + 1)
    }
  }
  return seen
}

/** True for a line that was there already, each time it was. */
function takeSeen(seen: Map<string, number>, key: string): boolean {
  if (seen.size === 0) return false
  const count = seen.get(key)
  if (count === undefined) return false
  if (count === 1) seen.delete(key)
  else seen.set(key, count - 1)
  return true
}

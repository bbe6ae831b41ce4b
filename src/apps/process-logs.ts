import { setTimeout as sleep } from 'node:timers/promises'
import { type App } from '../model/app.ts'
import { type Container, type LogLine, type Scheduler } from '../schedulers/scheduler.ts'

/** A line of one of an app's processes; `process` is `web.1`. */
export type ProcessLine = LogLine & { process: string }

/** `web` or `web.1`; undefined: every process. */
export type ProcessFilter = string | undefined

/** How far the lines of a container have been shown: `count` of them at the time `at`, and all before it. */
type Shown = { at: Date; count: number }

/** What has been shown of each container, by its id. */
export type ShownLines = Map<string, Shown>

/** Containers are looked for this often while lines are followed. */
const lookEveryMs = 1000
/** At least so many lines are read of a container, so that all with the time of the last one are among them. */
const leastTail = 1000

/** The last `count` lines of an app's containers in time order, and how far that is, for `followLines`. */
export async function lastLines(
  scheduler: Scheduler,
  app: Pick<App, 'id'>,
  { count, filter }: { count: number; filter: ProcessFilter },
): Promise<{ lines: ProcessLine[]; shown: ShownLines }> {
  const containers = (await scheduler.list(app.id)).filter((container) => matches(container, filter))
  const shown: ShownLines = new Map()
  const each = await Promise.all(
    containers.map(async (container) => {
      const lines: ProcessLine[] = []
      for await (const line of scheduler.logs(container.id, { tail: Math.max(count, leastTail) })) {
        note(shown, container.id, line.at)
        lines.push({ ...line, process: nameOf(container) })
      }
      return lines
    }),
  )
  const merged = each.flat().sort((a, b) => Number(a.at) - Number(b.at))
  return { lines: merged.slice(Math.max(0, merged.length - count)), shown }
}

/**
 * Writes every line that comes after those shown, of containers that run now or start later, until the signal
 * aborts or the app is gone. A container's lines stay in order; `write` is waited for.
 */
export async function followLines(
  scheduler: Scheduler,
  app: Pick<App, 'id'>,
  options: { filter: ProcessFilter; shown: ShownLines; signal: AbortSignal; exists: () => Promise<boolean> },
  write: (line: ProcessLine) => Promise<void>,
): Promise<void> {
  const { filter, shown, signal, exists } = options
  /** Container → its follower, and the start that it follows. */
  const followers = new Map<string, { startedAt: number; ended: boolean; done: Promise<void> }>()

  async function follow(container: Container): Promise<void> {
    const from = shown.get(container.id)
    let skip = from?.count ?? 0
    const since = from === undefined ? {} : { since: from.at }
    for await (const line of scheduler.logs(container.id, { follow: true, signal, ...since })) {
      if (skip > 0 && Number(line.at) === Number(from?.at)) {
        skip--
        continue
      }
      note(shown, container.id, line.at)
      await write({ ...line, process: nameOf(container) })
    }
  }

  while (!signal.aborted && (await exists())) {
    for (const container of await scheduler.list(app.id)) {
      const startedAt = Number(container.startedAt)
      const known = followers.get(container.id)
      // One that was started again after its lines had ended is followed again.
      const isNew = known === undefined || (known.ended && known.startedAt !== startedAt)
      if (!isNew || !matches(container, filter)) continue
      const follower = { startedAt, ended: false, done: Promise.resolve() }
      followers.set(container.id, follower)
      follower.done = follow(container).then(
        () => void (follower.ended = true),
        // The engine went away in the middle: the next look at it tells, or follows again.
        () => void followers.delete(container.id),
      )
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined)
  }
  await Promise.all([...followers.values()].map(({ done }) => done))
}

function note(shown: ShownLines, id: string, at: Date): void {
  const before = shown.get(id)
  shown.set(id, { at, count: Number(before?.at) === Number(at) ? before!.count + 1 : 1 })
}

const nameOf = ({ slot }: Container): string => `${slot.type}.${slot.index}`

const matches = (container: Container, filter: ProcessFilter): boolean =>
  filter === undefined || filter === container.slot.type || filter === nameOf(container)

import { type LogBook } from './book.ts'
import { isOf, type LogLine } from './line.ts'
import { merge } from './merge.ts'
import { lastLines, readFrom } from './read.ts'
import { type AppId } from '../model/names.ts'
import { type Ring } from './ring.ts'

export type LogQuery = {
  /** At most so many lines from the past, the newest. */
  count: number
  /** Only lines from then on. */
  since: string | undefined
  /** A process type or process. */
  filter: string | undefined
  now: Date
  follow: boolean
  signal: AbortSignal
}

/** Hands an app's lines to `write`, in time order, each waited for: from the past, then as they come. */
export async function showLogs(
  book: LogBook,
  id: AppId,
  query: LogQuery,
  write: (lines: LogLine[], dropped: number) => Promise<void>,
): Promise<void> {
  const { app, router } = await book.rings(id)
  const rings = query.filter === 'router' ? [router] : [app, router]
  const pasts = await Promise.all(rings.map((ring) => past(ring, query)))
  const lines = merge(
    pasts.map((one) => one.lines),
    query.now,
  )
  await write(lines.slice(Math.max(0, lines.length - query.count)), 0)
  if (!query.follow) return
  // One after the other, so that two rings do not write into each other.
  let turn: Promise<void> = Promise.resolve()
  await Promise.all(
    rings.map(async (ring, i) => {
      const options = { follow: true, signal: query.signal }
      for await (const batch of readFrom(ring, pasts[i]!.next, options)) {
        const wanted = batch.lines.filter((line) => isOf(line, query.filter))
        turn = turn.then(() => write(wanted, batch.dropped))
        await turn
      }
    }),
  )
}

function past(ring: Ring, { since, filter, count }: LogQuery): Promise<{ lines: LogLine[]; next: number }> {
  return lastLines(ring, {
    count,
    ...(since !== undefined && { since }),
    wanted: (line) => isOf(line, filter),
  })
}

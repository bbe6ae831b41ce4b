import { open, type FileHandle } from 'node:fs/promises'
import { decodeLine, type LogLine } from './line.ts'
import { type Ring, type Segment } from './ring.ts'
import { linesBackward, linesForward } from './segment.ts'

/** Lines from number `first` on; `dropped` counts those before them that the ring had given up meanwhile. */
export type Batch = { first: number; lines: LogLine[]; dropped: number }

/**
 * The newest `count` lines that are wanted and not older than `since`, oldest first, and the number of the line
 * that comes after them.
 */
export async function lastLines(
  ring: Ring,
  { count, since, wanted }: { count: number; since?: string; wanted: (line: LogLine) => boolean },
): Promise<{ lines: LogLine[]; next: number }> {
  await ring.flush()
  const next = ring.end()
  const batches: LogLine[][] = []
  let found = 0
  let enough = false
  for (const segment of ring.segments().reverse()) {
    if (enough) break
    const file = await openSegment(segment)
    if (file === undefined) break
    try {
      for await (const texts of linesBackward(file, segment.bytes)) {
        const all = texts.flatMap((text) => decodeLine(text) ?? [])
        const lines = all.filter((line) => (since === undefined || line.time >= since) && wanted(line))
        batches.push(lines)
        found += lines.length
        enough = found >= count || (since !== undefined && all.every(({ time }) => time < since))
        if (enough) break
      }
    } finally {
      await file.close()
    }
  }
  const lines = batches.reverse().flat()
  return { lines: lines.slice(Math.max(0, lines.length - count)), next }
}

/** The number of the first line of the newest segment that begins before `time`; what is older is in older ones. */
export async function numberAt(ring: Ring, time: string): Promise<number> {
  await ring.flush()
  const segments = ring.segments()
  for (const segment of [...segments].reverse()) {
    if ((await firstTime(segment)) < time) return segment.first
  }
  return segments[0]?.first ?? ring.end()
}

async function firstTime(segment: Segment): Promise<string> {
  const file = await openSegment(segment)
  if (file === undefined) return ''
  try {
    for await (const [text] of linesForward(file, 0, segment.bytes)) return decodeLine(text!)?.time ?? ''
    return ''
  } finally {
    await file.close()
  }
}

/**
 * Lines from a number on, in batches. With `follow` it goes on as lines come, until the signal aborts or the ring
 * is closed; otherwise it ends with what there is now.
 */
export async function* readFrom(
  ring: Ring,
  from: number,
  options: { follow: boolean; signal: AbortSignal },
): AsyncGenerator<Batch> {
  const { follow, signal } = options
  const until = follow ? Infinity : ring.end()
  const ended = (): boolean => signal.aborted || ring.isClosed()
  let next = from
  while (!ended() && next < until) {
    const segment = segmentOf(ring, next)
    const file = segment && (await openSegment(segment))
    if (file === undefined) {
      await ring.changed(next, signal)
      continue
    }
    try {
      for await (const batch of readSegment(ring, segment!, file, next, options)) {
        yield batch
        next = batch.first + batch.lines.length
        if (next >= until) return
      }
    } finally {
      await file.close()
    }
  }
}

/** The segment that a line is in, or the oldest where it is in none any more. */
function segmentOf(ring: Ring, number: number): Segment | undefined {
  const segments = ring.segments()
  if (number >= ring.end()) return undefined
  return segments.findLast(({ first }) => first <= number) ?? segments[0]
}

/** The rest of one segment, which may grow while it is read; ends when another one has followed it. */
async function* readSegment(
  ring: Ring,
  segment: Segment,
  file: FileHandle,
  from: number,
  { follow, signal }: { follow: boolean; signal: AbortSignal },
): AsyncGenerator<Batch> {
  let number = segment.first
  let offset = 0
  let dropped = Math.max(0, segment.first - from)
  for (;;) {
    const now = ring.segments()
    const isNewest = now.at(-1)?.first === segment.first
    // One that was evicted while it is read has its last size on disk.
    const bytes = now.find(({ first }) => first === segment.first)?.bytes ?? (await file.stat()).size
    for await (const texts of linesForward(file, offset, bytes)) {
      if (signal.aborted) return
      const lines = texts.slice(Math.max(0, from - number)).map((text) => decodeLine(text) ?? unreadable)
      number += texts.length
      if (lines.length === 0) continue
      yield { first: number - lines.length, lines, dropped }
      dropped = 0
    }
    offset = bytes
    if (!isNewest || !follow || signal.aborted || ring.isClosed()) return
    await ring.changed(number, signal)
  }
}

/** Stands for a line that the disk lost, so that numbers stay right. */
const unreadable: LogLine = {
  time: '1970-01-01T00:00:00.000000000Z',
  source: 'paas',
  process: 'logs',
  stream: 'stderr',
  text: 'a line could not be read',
}

/** Undefined where the ring has given the file up meanwhile. */
async function openSegment({ path }: Segment): Promise<FileHandle | undefined> {
  return open(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
}

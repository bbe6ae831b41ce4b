import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeLine, type LogLine } from './line.ts'
import { completeLines, fileName, firstLineOf } from './segment.ts'

/** A file of the ring: `first` is the number of its first line, counted from the ring's beginning. */
export type Segment = { first: number; path: string; bytes: number }

export type RingLimits = {
  /** Bytes that all segments together may have; the oldest goes first. */
  bytes: number
  /** Bytes after which a new segment is begun. */
  segmentBytes: number
}

export const appRing: RingLimits = { bytes: 64 * 1024 ** 2, segmentBytes: 8 * 1024 ** 2 }
export const routerRing: RingLimits = { bytes: 16 * 1024 ** 2, segmentBytes: 4 * 1024 ** 2 }

/** Lines are gathered this long, so that those of several processes come in time order and in few writes. */
const gatherMs = 40
/** With so many characters waiting, whoever appends waits for the disk. */
const mostWaiting = 512 * 1024

export type Ring = Awaited<ReturnType<typeof openRing>>

/**
 * A bounded log on disk: lines with consecutive numbers in segment files that are only appended to. Readers read
 * the files, so a slow one costs no memory; one that falls a whole ring behind sees by the numbers what it
 * missed. One writer; a line that a crash cut off is dropped when the ring is opened.
 */
export async function openRing(folder: string, limits: RingLimits) {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const segments = await recover(folder)
  let end = await endOf(segments)
  let file: FileHandle | undefined
  let waiting: LogLine[] = []
  let waitingChars = 0
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  let closed = false
  let woken = Promise.withResolvers<void>()

  async function write(lines: LogLine[]): Promise<void> {
    const last = segments.at(-1)
    if (last === undefined || last.bytes >= limits.segmentBytes) await begin()
    file ??= await open(segments.at(-1)!.path, 'a', 0o600)
    const bytes = Buffer.from(lines.map(encodeLine).join(''))
    await file.appendFile(bytes)
    segments.at(-1)!.bytes += bytes.length
    end += lines.length
    await evict()
    woken.resolve()
    woken = Promise.withResolvers()
  }

  async function begin(): Promise<void> {
    await file?.close()
    file = undefined
    segments.push({ first: end, path: join(folder, fileName(end)), bytes: 0 })
  }

  async function evict(): Promise<void> {
    let total = segments.reduce((sum, { bytes }) => sum + bytes, 0)
    while (total > limits.bytes && segments.length > 1) {
      const oldest = segments.shift()!
      total -= oldest.bytes
      await rm(oldest.path, { force: true })
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (waiting.length > 0) {
      const lines = waiting.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
      waiting = []
      waitingChars = 0
      writing = writing.then(() => (closed ? undefined : write(lines)))
      // Whoever waits hears of a failure; the next lines are tried all the same.
      const attempt = writing
      writing = attempt.catch(() => undefined)
      return attempt
    }
    return writing
  }

  return {
    folder,

    /** Takes lines; resolves at once, or when the disk has caught up. */
    async append(lines: readonly LogLine[]): Promise<void> {
      for (const line of lines) {
        waiting.push(line)
        waitingChars += line.text.length + 80
      }
      if (waitingChars > mostWaiting) return flush()
      timer ??= setTimeout(() => void flush().catch(() => undefined), gatherMs)
    },

    /** Everything appended so far is in the files. */
    flush,

    /** Number of the next line. */
    end: (): number => end,

    /** What there is now, oldest first. A copy: files may go at any time, and sizes only grow. */
    segments: (): Segment[] => segments.map((segment) => ({ ...segment })),

    /** Resolves when lines have been added after `seen` lines, or the ring is closed, or the signal aborts. */
    async changed(seen: number, signal: AbortSignal): Promise<void> {
      if (end !== seen || closed || signal.aborted) return
      const aborted = Promise.withResolvers<void>()
      const stop = (): void => aborted.resolve()
      signal.addEventListener('abort', stop, { once: true })
      await Promise.race([woken.promise, aborted.promise])
      signal.removeEventListener('abort', stop)
    },

    isClosed: (): boolean => closed,

    async close(): Promise<void> {
      await flush().catch(() => undefined)
      closed = true
      woken.resolve()
      await file?.close()
      file = undefined
    },
  }
}

async function recover(folder: string): Promise<Segment[]> {
  const names = (await readdir(folder)).filter((name) => firstLineOf(name) !== undefined).sort()
  const segments: Segment[] = []
  for (const name of names) {
    const path = join(folder, name)
    // Only the newest can have been cut off, and is appended to.
    const isLast = name === names.at(-1)
    segments.push({ first: firstLineOf(name)!, path, bytes: await completeLines(path, { truncate: isLast }) })
  }
  return segments
}

async function endOf(segments: Segment[]): Promise<number> {
  const last = segments.at(-1)
  if (last === undefined) return 0
  const file = await open(last.path)
  let lines = 0
  try {
    for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++
    }
  } finally {
    await file.close()
  }
  return last.first + lines
}

import { type FileHandle, open } from 'node:fs/promises'

/** How long whoever follows a file waits between two looks. */
export const lookEveryMs = 250
/** Looks for which a file that was rotated is still read after the next one has got its first bytes: a second. */
const lateLooks = 1000 / lookEveryMs

type Followed = {
  /** Kept open, because no path may lead to a file that was rotated; that also keeps its inode from being reused. */
  handle: FileHandle
  inode: number
  offset: number
  /** At how many looks something has waited in it for the file before it to be done. */
  waited: number
}

/** A reader of a file that grows. */
export type Tail = AsyncDisposable & {
  /** Whole lines since the last look, in latin1, and how many bytes before them were skipped. */
  look(): Promise<{ lines: string[]; skipped: number }>
}

/**
 * Follows the file that a path names, which need not be there yet, from its start or its end. One that is renamed is
 * read on until its writers, who learn of it one by one, have gone over to the next: those lines come first. One that is
 * cut is read from the beginning. Of more than `mostBytes` for each look the first are skipped.
 */
export async function openTail(path: string, from: 'start' | 'end', mostBytes: number): Promise<Tail> {
  /** The file that is being read, and those that the path has named after it. */
  const files: Followed[] = []

  async function openNamed(begin: typeof from): Promise<void> {
    const handle = await open(path).catch(() => undefined)
    const about = await handle?.stat()
    if (handle === undefined || about === undefined) return
    const { ino: inode, size } = about
    if (about.isFile() && inode !== files.at(-1)?.inode) {
      files.push({ handle, inode, offset: begin === 'end' ? size : 0, waited: 0 })
    } else await handle.close()
  }

  await openNamed(from)
  return {
    async look() {
      await openNamed('start')
      const [current, ...later] = files
      if (current === undefined) return { lines: [], skipped: 0 }
      for (const file of later) if ((await file.handle.stat()).size > 0) file.waited += 1
      try {
        return await linesOf(current, mostBytes * (1 + current.waited))
      } finally {
        current.waited = 0
        // While the next one is empty, nothing is kept waiting by reading on.
        if (later.some(({ waited }) => waited > lateLooks)) {
          files.shift()
          await current.handle.close()
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(files.splice(0).map(({ handle }) => handle.close()))
    },
  }
}

async function linesOf(file: Followed, mostBytes: number): Promise<{ lines: string[]; skipped: number }> {
  const { size } = await file.handle.stat()
  const from = size >= file.offset ? file.offset : 0
  const isCut = size - mostBytes > from
  // With the byte before, which tells whether a line begins there.
  const start = isCut ? size - mostBytes - 1 : from
  const length = size - start
  const { buffer, bytesRead } = await file.handle.read(Buffer.allocUnsafe(length), 0, length, start)
  const text = buffer.toString('latin1', 0, bytesRead)
  const begin = isCut ? text.indexOf('\n') + 1 : 0
  const end = text.lastIndexOf('\n') + 1
  file.offset = start + end
  return { lines: text.slice(begin, end).split('\n').slice(0, -1), skipped: start + begin - from }
}

import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { once } from 'node:events'
import { posix } from 'node:path'
import { type Readable } from 'node:stream'
import { extract, type Header } from 'tar-stream'
import { messageOf, PaasError } from '../errors/paas-error.ts'

export type EntryType = 'file' | 'directory' | 'symlink'

/** One entry of the tar. */
export type SourceEntry = {
  /** Relative, without a trailing slash. */
  path: string
  type: EntryType
  /** Bytes of content. */
  size: number
  mode: number
  mtime: Date
  /** Target of a symlink. */
  linkname: string | undefined
  /** Where its content starts in the spooled file. */
  offset: number
}

/** An app's source as it was pushed: a tar on disk, its index, and the text of the small files at its root. */
export type Source = {
  /** The spooled tar. */
  file: string
  entries: SourceEntry[]
  /** Text of a regular file at the root (or of a nested package.json or Dockerfile), undefined where there is none. */
  text(path: string): string | undefined
  /** What was found and will matter later: submodules, Git LFS pointers, names that cannot be kept. */
  warnings: string[]
}

export type SourceLimits = {
  /** Files and folders. */
  entries: number
  /** Bytes of the whole tar. */
  bytes: number
  /** Bytes of one file that is kept as text. */
  textBytes: number
}

export const sourceLimits: SourceLimits = {
  entries: 10_000,
  bytes: 1024 ** 3,
  textBytes: 256 * 1024,
}

const refused = (message: string, hint?: string): PaasError =>
  new PaasError('SOURCE_REFUSED', message, hint === undefined ? {} : { hint })

/**
 * Spools a tar (`git archive`) to `file` while reading its headers, and refuses what must not reach a build:
 * paths and links that leave the tree, devices, too many files, too many bytes. On any error `file` is removed.
 */
export async function spoolSource(
  tar: AsyncIterable<Buffer> | Readable,
  file: string,
  limits: SourceLimits = sourceLimits,
): Promise<Source> {
  const out = createWriteStream(file, { mode: 0o600 })
  const written = once(out, 'close')
  // A failing write is reported by the loop below; this keeps it from being an unhandled rejection first.
  written.catch(() => undefined)
  const index = indexEntries(limits)
  try {
    let bytes = 0
    for await (const chunk of tar as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > limits.bytes) throw refused(`The source is larger than ${inMiB(limits.bytes)}.`, largeHint)
      await Promise.all([write(out, chunk), index.write(chunk)])
    }
    await index.end()
    out.end()
    await written
  } catch (error) {
    out.destroy()
    await rm(file, { force: true })
    if (error instanceof PaasError) throw error
    throw refused(`The source could not be read: ${messageOf(error)}.`)
  }
  return index.finish(file)
}

const largeHint = 'Keep build products and data out of the repository: git rm them and push again.'

const inMiB = (bytes: number): string => `${Math.floor(bytes / 1024 ** 2)} MiB`

function write(stream: NodeJS.WritableStream, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error == null ? resolve() : reject(error)))
  })
}

function indexEntries(limits: SourceLimits) {
  const entries: SourceEntry[] = []
  const texts = new Map<string, string>()
  const lfs: string[] = []
  const parser = extract()
  let failure: unknown

  // tar-stream's streams are not Node's: `write` takes no callback, and only `drain` tells when to go on.
  let wake = (): void => undefined
  parser.on('drain', () => wake())
  parser.on('close', () => wake())
  parser.on('error', (error) => (failure ??= error))
  parser.on('entry', (header, stream, next) => {
    // The parser's own error says it all.
    stream.on('error', () => undefined)
    try {
      const entry = checkedEntry(header)
      if (entry === undefined) return void stream.on('end', () => next()).resume()
      entries.push(entry)
      if (entries.length > limits.entries)
        throw refused(`The source has more than ${limits.entries} files.`, largeHint)
      if (!isKept(entry, limits)) return void stream.on('end', () => next()).resume()
      const chunks: Buffer[] = []
      stream.on('data', (chunk) => chunks.push(chunk as Buffer))
      stream.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        if (text.startsWith('version https://git-lfs.github.com/spec/')) lfs.push(entry.path)
        if (isRead(entry.path)) texts.set(entry.path, text)
        next()
      })
    } catch (error) {
      next(asError(error))
    }
  })

  return {
    async write(chunk: Buffer): Promise<void> {
      if (!parser.write(chunk) && failure === undefined)
        await new Promise<void>((resolve) => (wake = resolve))
      if (failure !== undefined) throw asError(failure)
    },
    async end(): Promise<void> {
      if (failure === undefined) {
        const closed = new Promise<void>((resolve) => (wake = resolve))
        parser.end(undefined)
        await closed
      }
      if (failure !== undefined) throw asError(failure)
    },
    finish(file: string): Source {
      if (!entries.some((entry) => entry.type !== 'directory'))
        throw refused('The commit has no files.', 'Add your app, commit it and push again.')
      return { file, entries, text: (path) => texts.get(path), warnings: warningsOf(texts, lfs, entries) }
    },
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

/** tar-stream adds where an entry's content starts, which its types do not know. */
type PlacedHeader = Header & { byteOffset?: number }

function checkedEntry(header: PlacedHeader): SourceEntry | undefined {
  const type = entryType(header)
  const path = posix.normalize(header.name).replace(/\/$/, '')
  if (header.name.startsWith('/') || path === '..' || path.startsWith('../') || header.name.includes('\0'))
    throw refused(`The path ${JSON.stringify(header.name)} leaves the source tree.`)
  if (type === 'symlink') checkLink(path, header.linkname)
  if (path === '.' || path === '') return undefined
  const { size, mode, mtime, byteOffset: offset = 0 } = header
  return { path, type, size, mode, mtime, linkname: type === 'symlink' ? header.linkname : undefined, offset }
}

function entryType(header: Header): EntryType {
  const { type } = header
  if (type === 'file' || type === 'directory' || type === 'symlink') return type
  if (type === 'contiguous-file') return 'file'
  throw refused(`${JSON.stringify(header.name)} is a ${type}, which a source cannot have.`)
}

function checkLink(path: string, target: string): void {
  const resolved = posix.normalize(posix.join(posix.dirname(path), target))
  if (target.startsWith('/') || resolved === '..' || resolved.startsWith('../'))
    throw refused(
      `The symlink ${JSON.stringify(path)} points to ${JSON.stringify(target)}, outside the source tree.`,
      'Make it relative and inside the repository, or remove it.',
    )
}

/** A pointer file of Git LFS has three short lines. */
const lfsPointerBytes = 200

const isKept = (entry: SourceEntry, limits: SourceLimits): boolean =>
  entry.type === 'file' &&
  ((isRead(entry.path) && entry.size <= limits.textBytes) || entry.size <= lfsPointerBytes)

/** Files at the root decide about a build; nested ones only through their names, package.json and Dockerfiles. */
const isRead = (path: string): boolean =>
  !path.includes('/') || path.endsWith('/package.json') || isDockerfilePath(path)

/** Whether a path may be an app's Dockerfile: `Dockerfile`, `docker/Dockerfile.web`, `web.dockerfile`. */
export const isDockerfilePath = (path: string): boolean => /(?:^|\/)[^/]*dockerfile[^/]*$/i.test(path)

function warningsOf(
  texts: ReadonlyMap<string, string>,
  lfs: readonly string[],
  entries: readonly SourceEntry[],
): string[] {
  const warnings: string[] = []
  const modules = [...(texts.get('.gitmodules') ?? '').matchAll(/^\s*path\s*=\s*(.+?)\s*$/gm)].map(
    (m) => m[1],
  )
  if (modules.length > 0)
    warnings.push(`Git submodules are not fetched, so these folders are empty: ${modules.join(', ')}`)
  if (lfs.length > 0)
    warnings.push(
      `Git LFS is not supported, so ${lfs.length === 1 ? 'this file is' : 'these files are'} only a pointer: ` +
        lfs.slice(0, 5).join(', ') +
        (lfs.length > 5 ? ` and ${lfs.length - 5} more` : ''),
    )
  // What a decoder leaves of other bytes.
  const garbled = entries.filter(({ path }) => path.includes('\u{fffd}'))
  if (garbled.length > 0)
    warnings.push(
      `Names of files that are not UTF-8 are changed: ${garbled
        .slice(0, 5)
        .map(({ path }) => path)
        .join(', ')}`,
    )
  return warnings
}

import { open, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { default as dockerignore } from '@balena/dockerignore'
import { pack, type Header, type Pack } from 'tar-stream'
import { type BuildPlan } from './plan.ts'
import { globPattern } from './probe.ts'
import { type Source, type SourceEntry } from './source.ts'

/** Files up to this size go through memory whole. */
const chunkBytes = 1024 * 1024

/**
 * The tar that the engine builds from: the Dockerfile, the buildpack's files, and the source without what
 * `.dockerignore` names (no builder applies that to a tar it is sent).
 */
export function buildContext(plan: BuildPlan, source: Source, dockerfile: string): Readable {
  const packed = pack()
  fill(packed, plan, source, dockerfile).catch((error: unknown) => packed.destroy(error as Error))
  return Readable.from(packed, { objectMode: false })
}

async function fill(packed: Pack, plan: BuildPlan, source: Source, dockerfile: string): Promise<void> {
  // One fixed time for our own files: the same commit gives the same image.
  const mtime = new Date(0)
  await add(packed, { name: plan.dockerfilePath, mtime }, Buffer.from(dockerfile))
  for (const { path, content, mode } of plan.files) await add(packed, { name: path, mode, mtime }, content)
  await using file = await open(source.file)
  const kept = keptEntries(source, plan.ignore)
  for (const [folder, globs] of Object.entries(plan.manifests)) {
    // The folder is there even where nothing matches, because a COPY of nothing fails.
    await add(packed, { name: folder, type: 'directory', mtime }, Buffer.alloc(0))
    const patterns = globs.map(globPattern)
    const manifests = kept.filter(
      ({ path }) => patterns.some((pattern) => pattern.test(path)) && !isInstalled(path),
    )
    for (const entry of manifests) await addEntry(packed, file, { ...entry, mtime }, folder)
  }
  for (const entry of kept) {
    if (plan.sourceFolder === '' && entry.path === plan.dockerfilePath) continue
    await addEntry(packed, file, entry, plan.sourceFolder)
  }
  packed.finalize()
}

const isInstalled = (path: string): boolean => /(?:^|\/)node_modules\//.test(path)

/** The entries that `.dockerignore` text leaves. */
export function keptEntries(source: Source, ignore: string): SourceEntry[] {
  if (ignore.trim() === '') return source.entries
  const ignored = dockerignore.default({ ignorecase: false }).add(ignore)
  return source.entries.filter(({ path }) => !ignored.ignores(path))
}

async function addEntry(packed: Pack, file: FileHandle, entry: SourceEntry, folder: string): Promise<void> {
  const { path, type, size, mode, mtime, linkname } = entry
  const name = folder === '' ? path : `${folder}/${path}`
  const header = { name, type, mode, mtime, ...(linkname !== undefined && { linkname }) }
  if (size <= chunkBytes) return await add(packed, header, await read(file, entry.offset, size))
  const written = Promise.withResolvers<undefined>()
  const sink = packed.entry({ ...header, size }, (error) =>
    error == null ? written.resolve(undefined) : written.reject(error),
  )
  for (let at = 0; at < size; at += chunkBytes) {
    const drained = sink.write(await read(file, entry.offset + at, Math.min(chunkBytes, size - at)))
    if (!drained) await new Promise<void>((resolve) => sink.once('drain', () => resolve()))
  }
  sink.end(undefined)
  await written.promise
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  if (bytesRead !== length) throw new Error(`the spooled source is shorter than its index says`)
  return buffer
}

function add(packed: Pack, header: Partial<Header> & { name: string }, content: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error == null ? resolve() : reject(error))
    packed.entry({ ...header, size: content.length }, content, done)
  })
}

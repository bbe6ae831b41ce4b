import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress, createZstdDecompress } from 'node:zlib'
import { extract, pack } from 'tar-stream'
import { z } from 'zod'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { seal, SealError, unseal } from '../lib/sealed-stream.ts'

/** What an archive may hold. Of what it does not hold, a restore leaves what is there. */
export const Holding = z.enum(['state', 'repositories', 'images', 'settings', 'data'])
export type Holding = z.infer<typeof Holding>

/** First entry of an archive. */
export const ArchiveManifest = z.strictObject({
  format: z.literal(2),
  createdAt: z.iso.datetime(),
  /** The base domain that apps answered below. */
  domain: z.string(),
  apps: z.array(z.string()),
  holds: z.array(Holding),
})
export type ArchiveManifest = z.infer<typeof ArchiveManifest>

export const manifestName = 'manifest.json'

/** A file of an archive, by its path in it. */
export type ArchiveFile =
  /** `size` in bytes; without a mode only its owner may read it. */
  | { path: string; size: number; mode?: number; content: () => Readable | string }
  /** Of unknown size: it becomes entries of the same path, one after another, which are one file again. */
  | { path: string; stream: () => AsyncIterable<Uint8Array> }

/** A tar tells the size of an entry before its bytes, so this much of a stream is held at once. */
const pieceBytes = 1024 * 1024

/** Packs files into one stream: a tar, compressed with zstd, sealed with the key. */
export function packArchive(
  manifest: ArchiveManifest,
  files: AsyncIterable<ArchiveFile>,
  key: Buffer,
): AsyncGenerator<Buffer> {
  const tar = pack()
  const compressed = new PassThrough()
  const adding = addAll(tar, manifest, files).catch((error: unknown) => tar.destroy(error as Error))
  void pipeline(tar, createZstdCompress(), compressed)
    .catch((error: unknown) => compressed.destroy(error as Error))
    .finally(() => adding)
  return seal(compressed, key)
}

async function addAll(
  tar: ReturnType<typeof pack>,
  manifest: ArchiveManifest,
  files: AsyncIterable<ArchiveFile>,
): Promise<void> {
  tar.entry({ name: manifestName }, JSON.stringify(manifest, null, 2))
  for await (const file of files) await addOne(tar, file)
  tar.finalize()
}

async function addOne(tar: ReturnType<typeof pack>, file: ArchiveFile): Promise<void> {
  const { path: name } = file
  if ('stream' in file) {
    // The first is empty, so that a stream without a byte is a file too.
    await pipeline([], tar.entry({ name, size: 0 }))
    for await (const piece of pieces(file.stream()))
      await pipeline([piece], tar.entry({ name, size: piece.length }))
    return
  }
  const from = file.content()
  const mode = file.mode ?? 0o600
  if (typeof from === 'string') tar.entry({ name, mode }, from)
  else await pipeline(from, tar.entry({ name, mode, size: file.size }))
}

/** The same bytes in larger pieces. */
async function* pieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = []
  let size = 0
  for await (const bytes of source) {
    held.push(bytes)
    size += bytes.length
    if (size < pieceBytes) continue
    yield Buffer.concat(held)
    held = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(held)
}

/**
 * Unpacks an archive below a folder and resolves to its manifest. Every byte is authentic before it is used, but
 * use nothing before this resolves: only then is it known that nothing was cut off.
 */
export async function unpackArchive(
  source: AsyncIterable<Uint8Array>,
  key: Buffer,
  folder: string,
): Promise<ArchiveManifest> {
  let manifest: ArchiveManifest | undefined
  const written = new Set<string>()
  const entries = extract()
  const failed = pipeline(Readable.from(unseal(source, key)), createZstdDecompress(), entries).then(
    () => undefined,
    (error: unknown) => error ?? new Error('unknown'),
  )
  try {
    for await (const entry of entries) {
      const path = join(folder, normalize(`/${entry.header.name}`))
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      if (entry.header.name === manifestName)
        manifest = ArchiveManifest.parse(JSON.parse(await textOf(entry)))
      else await pipeline(entry, createWriteStream(path, modeOf(entry, written.has(path))))
      written.add(path)
    }
  } catch (error) {
    throw refused((await failed) ?? error)
  }
  const error = await failed
  if (error !== undefined) throw refused(error)
  if (manifest === undefined) throw refused(new Error('it has no manifest'))
  return manifest
}

/** Whatever an archive says, its owner may read a file, and nobody else may write it. */
const modeOf = ({ header }: { header: { mode?: number } }, goesOn: boolean) => ({
  mode: ((header.mode ?? 0) & 0o755) | 0o600,
  flags: goesOn ? 'a' : 'w',
})

/** A file on disk as an entry of an archive. */
export const fileEntry = (path: string, file: string, size: number, mode?: number): ArchiveFile => ({
  path,
  size,
  ...(mode !== undefined && { mode: mode & 0o777 }),
  // A file that grows meanwhile is cut to what its header says.
  content: () => (size === 0 ? '' : createReadStream(file, { end: size - 1 })),
})

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}

function refused(error: unknown): PaasError {
  return new PaasError('STATE_CORRUPT', `The backup cannot be read: ${messageOf(error)}`, {
    ...(error instanceof SealError && {
      hint: 'Give the master key of the server that it was made on: --key FILE.',
    }),
    cause: error,
  })
}

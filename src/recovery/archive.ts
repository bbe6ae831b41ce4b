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

/** First entry of an archive. */
export const ArchiveManifest = z.strictObject({
  format: z.literal(1),
  createdAt: z.iso.datetime(),
  /** The base domain that apps answered below. */
  domain: z.string(),
  apps: z.array(z.string()),
})
export type ArchiveManifest = z.infer<typeof ArchiveManifest>

export const manifestName = 'manifest.json'

/** A file of an archive, by its path in it; `size` in bytes. */
export type ArchiveFile = { path: string; size: number; content: () => Readable | string }

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
  for await (const { path, size, content } of files) {
    const from = content()
    if (typeof from === 'string') tar.entry({ name: path }, from)
    else await pipeline(from, tar.entry({ name: path, size }))
  }
  tar.finalize()
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
      else await pipeline(entry, createWriteStream(path, { mode: 0o600 }))
    }
  } catch (error) {
    throw refused((await failed) ?? error)
  }
  const error = await failed
  if (error !== undefined) throw refused(error)
  if (manifest === undefined) throw refused(new Error('it has no manifest'))
  return manifest
}

/** A file on disk as an entry of an archive. */
export const fileEntry = (path: string, file: string, size: number): ArchiveFile => ({
  path,
  size,
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

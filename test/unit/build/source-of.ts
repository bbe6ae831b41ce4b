import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Readable } from 'node:stream'
import { pack, type Header } from 'tar-stream'
import { type Source, spoolSource, type SourceLimits } from '../../../src/build/source.ts'

export type Entry = Partial<Header> & { name: string; content?: string | Buffer }

/** A tar with these entries; a text is a file's content. */
export function tarOf(files: Record<string, string> | Entry[]): AsyncIterable<Buffer> {
  const entries: Entry[] = Array.isArray(files)
    ? files
    : Object.entries(files).map(([name, content]) => ({ name, content }))
  const packed = pack()
  for (const { content = '', ...header } of entries) packed.entry(header, content)
  packed.finalize()
  return packed as unknown as Readable
}

export type Spooled = AsyncDisposable & { source: Source; folder: string }

/** Spools these files the way a push does; disposing removes them. */
export async function sourceOf(
  files: Record<string, string> | Entry[],
  limits?: SourceLimits,
): Promise<Spooled> {
  const folder = await mkdtemp(join(tmpdir(), 'paas-source-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const source = await spoolSource(tarOf(files), join(folder, 'source.tar'), limits)
    return { source, folder, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

import { createWriteStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Platform } from '../apps/platform.ts'
import { type App } from '../model/app.ts'
import { type ArchiveFile, fileEntry, packArchive } from './archive.ts'

/**
 * The whole server as one sealed stream: repositories, state, and the images that serve. The master key is not
 * in it; without a copy of it the stream is noise. `progress` gets a line per part.
 */
export async function* backUpServer(
  platform: Platform,
  progress: (line: string) => void,
): AsyncGenerator<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'paas-backup-'))
  try {
    const apps = await platform.store.apps.list()
    const manifest = {
      format: 1 as const,
      createdAt: platform.now().toISOString(),
      domain: platform.instance.domain,
      apps: apps.map(({ name }) => name),
    }
    const key = await readFile(platform.paths.masterKey)
    yield* packArchive(manifest, collect(platform, apps, folder, progress), key)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function* collect(
  platform: Platform,
  apps: App[],
  folder: string,
  progress: (line: string) => void,
): AsyncGenerator<ArchiveFile> {
  // Repositories first: a push between the two then is in the state but not in git, and can be pushed again;
  // the other way round git would call it up to date though it never ran.
  progress(`repositories of ${apps.length} apps`)
  yield* filesBelow(platform.paths.repos, 'repositories')
  progress('state')
  const records = await platform.store.dump()
  const state = records.map((record) => `${JSON.stringify(record)}\n`).join('')
  yield { path: 'state.ndjson', size: Buffer.byteLength(state), content: () => state }
  const images = await liveImages(platform)
  if (images.length === 0) return
  progress(`images of ${images.length} releases`)
  const file = join(folder, 'images.tar')
  await pipeline(await platform.engine.images.save(images), createWriteStream(file, { mode: 0o600 }))
  yield fileEntry('images.tar', file, (await stat(file)).size)
}

/** Tags of the images that the current releases run. */
async function liveImages({ store }: Platform): Promise<string[]> {
  const apps = await store.apps.list()
  const tags = await Promise.all(
    apps.map(async ({ id, currentRelease }) =>
      currentRelease === undefined ? undefined : (await store.releases.get(id, currentRelease))?.image.tag,
    ),
  )
  return [...new Set(tags.filter((tag) => tag !== undefined))]
}

async function* filesBelow(folder: string, prefix: string): AsyncGenerator<ArchiveFile> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const path = join(folder, entry.name)
    // What git writes just now is not part of any commit yet.
    if (/^tmp_|\.lock$/.test(entry.name)) continue
    if (entry.isDirectory()) yield* filesBelow(path, `${prefix}/${entry.name}`)
    if (!entry.isFile()) continue
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined) yield fileEntry(`${prefix}/${entry.name}`, path, found.size)
  }
}

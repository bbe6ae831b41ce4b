import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Platform } from '../apps/platform.ts'
import { type App } from '../model/app.ts'
import { type ServiceContext } from '../services/context.ts'
import { type ArchiveFile, type ArchiveManifest, fileEntry, type Holding, packArchive } from './archive.ts'
import { serviceFiles, storageFiles } from './data.ts'
import { settingsFolders } from './layout.ts'

/**
 * The whole server as one sealed stream: repositories, state, the images that serve, and the data of services and
 * storage. The master key is not in it; without a copy of it the stream is noise. Memory stays at some megabytes.
 * Throws SERVICE_FAILED where a service's data cannot be had: what is left out is left out by `data: false` alone.
 */
export async function* backUpServer(
  context: ServiceContext,
  { data }: { data: boolean },
): AsyncGenerator<Buffer> {
  const { platform } = context
  const apps = await platform.store.apps.list()
  const holds: Holding[] = ['repositories', 'state', 'settings', 'images', ...(data ? ['data' as const] : [])]
  yield* packArchive(manifestOf(platform, apps, holds), collect(apps, holds, context), await keyOf(platform))
}

/** The state alone, sealed in the same way. */
export async function* backUpState(platform: Platform): AsyncGenerator<Buffer> {
  const apps = await platform.store.apps.list()
  async function* files(): AsyncGenerator<ArchiveFile> {
    yield await stateFile(platform)
  }
  yield* packArchive(manifestOf(platform, apps, ['state']), files(), await keyOf(platform))
}

const keyOf = ({ paths }: Platform): Promise<Buffer> => readFile(paths.masterKey)

function manifestOf({ now, instance }: Platform, apps: App[], holds: Holding[]): ArchiveManifest {
  return {
    format: 2,
    createdAt: now().toISOString(),
    domain: instance.domain,
    apps: apps.map(({ name }) => name),
    holds,
  }
}

async function* collect(
  apps: App[],
  holds: readonly Holding[],
  context: ServiceContext,
): AsyncGenerator<ArchiveFile> {
  const { platform, say } = context
  // Repositories first: a push between the two then is in the state but not in git, and can be pushed again;
  // the other way round git would call it up to date though it never ran.
  say(`Saving repositories of ${apps.length} apps`)
  yield* filesBelow(platform.paths.repos, 'repositories')
  say('Saving state')
  yield await stateFile(platform)
  yield* settings(platform)
  const images = await liveImages(platform)
  if (images.length > 0) {
    say(`Saving images of ${images.length} releases`)
    yield { path: 'images.tar', stream: () => saved(platform, images) }
  }
  if (!holds.includes('data')) return
  yield* storageFiles(await platform.store.apps.list(), context)
  yield* serviceFiles(await platform.store.services.list(), context)
}

async function stateFile({ store }: Platform): Promise<ArchiveFile> {
  const records = await store.dump()
  const state = records.map((record) => `${JSON.stringify(record)}\n`).join('')
  return { path: 'state.ndjson', size: Buffer.byteLength(state), content: () => state }
}

/** What people have put beside the state: hooks, buildpacks, and the key of the backups of services. */
async function* settings({ paths }: Platform): AsyncGenerator<ArchiveFile> {
  for (const { name, path } of settingsFolders(paths)) yield* filesBelow(path, name)
  const key = await readFile(paths.backupKey).catch(() => undefined)
  if (key !== undefined) yield fileEntry('backup.key', paths.backupKey, key.length)
}

async function* saved({ engine }: Platform, images: readonly string[]): AsyncGenerator<Uint8Array> {
  yield* (await engine.images.save(images)) as AsyncIterable<Uint8Array>
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
    if (found !== undefined) yield fileEntry(`${prefix}/${entry.name}`, path, found.size, found.mode)
  }
}

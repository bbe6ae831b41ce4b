import { createReadStream } from 'node:fs'
import { chown, cp, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hostsOf } from '../apps/hosts.ts'
import { type Platform } from '../apps/platform.ts'
import { PaasError } from '../errors/paas-error.ts'
import { writeFileAtomically } from '../lib/write-file.ts'
import { App } from '../model/app.ts'
import { Release } from '../model/release.ts'
import { StateRecord } from '../store/dump.ts'
import { type ArchiveManifest, unpackArchive } from './archive.ts'

/** What a restore would change here. */
export type RestorePlan = {
  createdAt: string
  /** App → what happens to it. */
  apps: { name: string; change: 'comes' | 'goes' | 'is replaced'; release: number | null }[]
  keys: number
  services: number
}

/** A backup that was read and checked whole, and waits below `folder` to be put in place. */
export type Unpacked = {
  folder: string
  manifest: ArchiveManifest
  records: StateRecord[]
  masterKey: Buffer
}

/** Reads a backup without changing anything. Throws STATE_CORRUPT where it is damaged or the key is wrong. */
export async function unpackBackup(
  platform: Platform,
  source: AsyncIterable<Uint8Array>,
  masterKey: Buffer,
): Promise<Unpacked> {
  // Beside where it goes, so that putting it in place is a rename.
  const folder = await mkdtemp(join(platform.paths.lib, 'restore-'))
  try {
    const manifest = await unpackArchive(source, masterKey, folder)
    const lines = (await readFile(join(folder, 'state.ndjson'), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
    const records = lines.map((line) => StateRecord.parse(JSON.parse(line)))
    return { folder, manifest, records, masterKey }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

export async function planRestore(
  { store }: Platform,
  { manifest, records }: Unpacked,
): Promise<RestorePlan> {
  const here = (await store.apps.list()).map(({ name }): string => name)
  const coming = appsIn(records)
  return {
    createdAt: manifest.createdAt,
    apps: [
      ...coming.map(({ name, currentRelease }) => ({
        name,
        change: here.includes(name) ? ('is replaced' as const) : ('comes' as const),
        release: currentRelease ?? null,
      })),
      ...here
        .filter((name) => !coming.some((app) => app.name === name))
        .map((name) => ({ name, change: 'goes' as const, release: null })),
    ],
    keys: hashSize(records, 'paas:keys'),
    services: hashSize(records, 'paas:services'),
  }
}

/**
 * Puts a backup in place of what is here. The state comes last, in one transaction: until then this server is
 * what it was. The caller ends the process afterwards, because the master key is another one.
 */
export async function putInPlace(platform: Platform, unpacked: Unpacked): Promise<void> {
  const { paths, engine, store, instance } = platform
  const { folder, records, manifest, masterKey } = unpacked
  const images = join(folder, 'images.tar')
  if ((await lstat(images).catch(() => undefined)) !== undefined)
    await engine.images.load(createReadStream(images))
  await requireImages(platform, records)
  await replaceRepositories(paths.repos, join(folder, 'repositories'))
  const kept = withoutAppRoutes(records, manifest.domain)
  const epoch = kept.find(({ key }) => key === 'paas:epoch')
  await writeFileAtomically(paths.masterKey, masterKey, 0o400)
  if (epoch?.type === 'string') await writeFileAtomically(paths.epoch, epoch.value, 0o600)
  await store.load(kept)
  platform.log.warn({ from: manifest.createdAt, domain: instance.domain }, 'a backup was restored')
}

/** Repositories keep the owner of the folder that they are in: the SSH user. */
async function replaceRepositories(repos: string, restored: string): Promise<void> {
  const { uid, gid } = await lstat(repos)
  for (const name of await readdir(repos)) await rm(join(repos, name), { recursive: true, force: true })
  for (const name of await readdir(restored).catch(() => [])) {
    await rename(join(restored, name), join(repos, name)).catch(async (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
      await cp(join(restored, name), join(repos, name), { recursive: true })
    })
    // git does not take a folder for a repository without these, and an archive holds files only.
    for (const part of ['refs/heads', 'objects']) await mkdir(join(repos, name, part), { recursive: true })
    await own(join(repos, name), uid, gid)
  }
}

async function own(path: string, uid: number, gid: number): Promise<void> {
  await chown(path, uid, gid)
  if (!(await lstat(path)).isDirectory()) return
  for (const name of await readdir(path)) await own(join(path, name), uid, gid)
}

async function requireImages({ engine }: Platform, records: StateRecord[]): Promise<void> {
  for (const app of appsIn(records)) {
    const release = app.currentRelease === undefined ? undefined : releaseIn(records, app, app.currentRelease)
    if (release !== undefined && (await engine.images.inspect(release.image.id)) === undefined) {
      throw new PaasError('STATE_CORRUPT', `The backup lacks the image of ${app.name} v${release.version}.`)
    }
  }
}

/** Routes of apps follow from the apps, here perhaps under another domain; those made by hand are kept. */
function withoutAppRoutes(records: StateRecord[], domain: string): StateRecord[] {
  const derived = new Set(
    appsIn(records).flatMap((app) => hostsOf(app, domain).map((host) => `frontend:${host}`)),
  )
  return records.filter(({ key }) => !derived.has(key))
}

function appsIn(records: StateRecord[]): App[] {
  return records.flatMap((record) =>
    record.type === 'string' && /^paas:app:[^:]+$/.test(record.key)
      ? [App.parse(JSON.parse(record.value))]
      : [],
  )
}

function releaseIn(records: StateRecord[], app: App, version: number): Release | undefined {
  const releases = records.find(({ key }) => key === `paas:app:${app.id}:releases`)
  const text = releases?.type === 'hash' ? releases.value[String(version)] : undefined
  return text === undefined ? undefined : Release.parse(JSON.parse(text))
}

function hashSize(records: StateRecord[], key: string): number {
  const record = records.find((one) => one.key === key)
  return record?.type === 'hash' ? Object.keys(record.value).length : 0
}

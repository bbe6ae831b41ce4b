import { createReadStream } from 'node:fs'
import { chown, cp, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Platform } from '../apps/platform.ts'
import { PaasError } from '../errors/paas-error.ts'
import { writeFileAtomically } from '../lib/write-file.ts'
import { type AppId } from '../model/names.ts'
import { type ServiceContext } from '../services/context.ts'
import { StateRecord } from '../store/dump.ts'
import { keys } from '../store/keys.ts'
import { migrate } from '../store/schema.ts'
import { createSecrets } from '../store/secrets.ts'
import { type ArchiveManifest, unpackArchive } from './archive.ts'
import { type Difference, differences } from './difference.ts'
import { settingsFolders } from './layout.ts'
import { appsIn, releaseIn, servicesIn, stringIn, withServices } from './records.ts'
import { loadServices, loadStorage } from './restore-data.ts'
import { withRoutes } from './routes.ts'

/** A backup that was read and checked whole, and waits below `folder` to be put in place. */
export type Unpacked = {
  folder: string
  manifest: ArchiveManifest
  records: StateRecord[]
  masterKey: Buffer
}

/**
 * Reads a backup without changing anything; one of an older program is brought up to date. Throws STATE_CORRUPT where
 * it is damaged or the key is wrong, and STATE_NEWER where a newer program has made it.
 */
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
    const records = migrate(lines.map((line) => StateRecord.parse(JSON.parse(line))))
    return { folder, manifest, records, masterKey }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** What a restore would change here. A state that this program cannot read is as good as none. */
export async function planRestore({ store }: Platform, { records }: Unpacked): Promise<Difference[]> {
  const here = await store.dump()
  try {
    return differences(here, records)
  } catch {
    return differences([], records)
  }
}

/**
 * Puts a backup in place of what is here. The state comes last, in one transaction: until then this server says
 * what it said. The caller ends the process afterwards, because the master key is another one.
 */
export async function putInPlace(unpacked: Unpacked, context: ServiceContext): Promise<void> {
  const { platform } = context
  const { paths, engine, instance } = platform
  const { folder, manifest, masterKey } = unpacked
  if (manifest.holds.includes('images') && (await isThere(join(folder, 'images.tar')))) {
    context.say('Loading images')
    await engine.images.load(createReadStream(join(folder, 'images.tar')))
  }
  await lookForImages(unpacked, context)
  const records = manifest.holds.includes('data') ? await loadData(unpacked, context) : unpacked.records
  if (manifest.holds.includes('repositories'))
    await replaceRepositories(paths.repos, join(folder, 'repositories'))
  if (manifest.holds.includes('settings')) await replaceSettings(platform, folder)
  const kept = withRoutes(records, await platform.store.dump(), {
    then: manifest.domain,
    here: instance.domain,
    running: await runningAddresses(platform),
  })
  const epoch = stringIn(kept, keys.epoch)
  await writeFileAtomically(paths.masterKey, masterKey, 0o400)
  if (epoch !== undefined) await writeFileAtomically(paths.epoch, epoch, 0o600)
  await platform.store.load(kept)
  platform.log.warn({ from: manifest.createdAt, domain: instance.domain }, 'a backup was restored')
}

/** Resolves to the records with services whose data is in place. */
async function loadData(
  { records, folder, masterKey }: Unpacked,
  context: ServiceContext,
): Promise<StateRecord[]> {
  const store = { ...context.platform.store, secrets: createSecrets(masterKey) }
  const restored = { ...context, platform: { ...context.platform, store } }
  const services = await loadServices(servicesIn(records), folder, restored)
  await loadStorage(appsIn(records), folder, restored)
  return withServices(records, services)
}

/** Repositories keep the owner of the folder that they are in: the SSH user. */
async function replaceRepositories(repos: string, restored: string): Promise<void> {
  const { uid, gid } = await lstat(repos)
  for (const name of await readdir(repos)) await rm(join(repos, name), { recursive: true, force: true })
  for (const name of await readdir(restored).catch(() => [])) {
    await move(join(restored, name), join(repos, name))
    // git does not take a folder for a repository without these, and an archive holds files only.
    for (const part of ['refs/heads', 'objects']) await mkdir(join(repos, name, part), { recursive: true })
    await own(join(repos, name), uid, gid)
  }
}

/** Hooks, buildpacks and the key that opens the backups of services. */
async function replaceSettings({ paths }: Platform, folder: string): Promise<void> {
  for (const { name, path } of settingsFolders(paths)) {
    if (!(await isThere(join(folder, name)))) continue
    await rm(path, { recursive: true, force: true })
    await move(join(folder, name), path)
  }
  const key = await readFile(join(folder, 'backup.key')).catch(() => undefined)
  if (key !== undefined) await writeFileAtomically(paths.backupKey, key, 0o400)
}

async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await cp(from, to, { recursive: true })
  })
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )

async function own(path: string, uid: number, gid: number): Promise<void> {
  await chown(path, uid, gid)
  if (!(await lstat(path)).isDirectory()) return
  for (const name of await readdir(path)) await own(join(path, name), uid, gid)
}

/**
 * A backup of the whole server has all the images that its apps need. Since one of the state alone was made, an app
 * may have been destroyed, and its image with it: that must not keep all others from coming back.
 */
async function lookForImages(
  { manifest, records }: Unpacked,
  { platform, say }: ServiceContext,
): Promise<void> {
  for (const app of appsIn(records)) {
    const release = releaseIn(records, app)
    if (release === undefined || (await platform.engine.images.inspect(release.image.tag)) !== undefined)
      continue
    const missing = `The image of ${app.name} v${release.version} is neither in the backup nor on this server`
    if (manifest.holds.includes('images')) throw new PaasError('STATE_CORRUPT', `${missing}.`)
    say(`${missing}: it does not run until it is pushed again`)
  }
}

/** App → addresses of its containers that run here. */
async function runningAddresses({ scheduler }: Platform): Promise<Map<AppId, Set<string>>> {
  const containers = await scheduler.list().catch(() => [])
  const byApp = Map.groupBy(containers, ({ appId }) => appId)
  return new Map(
    [...byApp].map(([app, all]) => [app, new Set(all.flatMap(({ address }) => address ?? []))] as const),
  )
}

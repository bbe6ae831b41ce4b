import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seal } from '../lib/sealed-stream.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { type Backup, type BackupId } from '../model/backup.ts'
import { type BackupKey } from './key.ts'

export const folderOf = (paths: InstancePaths, id: BackupId): string => join(paths.backups, id)
export const fileName = (part: number): string => `${part}.sealed`
export const fileOf = (paths: InstancePaths, id: BackupId, part: number): string =>
  join(folderOf(paths, id), fileName(part))

/** A folder that is no backup yet: only the whole of it gets a backup's name. */
export async function newFolder(paths: InstancePaths, id: BackupId): Promise<string> {
  const folder = `${folderOf(paths, id)}.part`
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return folder
}

/** After so many bytes the disk is set to work. */
const flushBytes = 16 * 1024 * 1024

/** Writes one part encrypted and down to the disk; resolves to its size and checksum. */
export async function writePart(
  folder: string,
  part: number,
  content: AsyncIterable<Uint8Array>,
  key: BackupKey,
): Promise<{ bytes: number; sha256: string }> {
  await using file = await open(join(folder, fileName(part)), 'wx', 0o600)
  const hash = createHash('sha256')
  let bytes = 0
  let flushed = 0
  // The disk works while the dump goes on, so that little is left to wait for at its end.
  let flushing: Promise<{ error?: Error }> = Promise.resolve({})
  for await (const record of seal(content, key.bytes)) {
    hash.update(record)
    await file.writeFile(record)
    bytes += record.length
    if (bytes - flushed < flushBytes) continue
    const { error } = await flushing
    if (error !== undefined) throw error
    flushed = bytes
    flushing = file.datasync().then(
      () => ({}),
      (failure: unknown) => ({ error: failure as Error }),
    )
  }
  await flushing
  await file.sync()
  return { bytes, sha256: hash.digest('hex') }
}

/** Makes a folder the backup that its files are. What is known of it lies beside them, should Redis be lost. */
export async function completeFolder(paths: InstancePaths, folder: string, backup: Backup): Promise<void> {
  await writeFile(join(folder, 'backup.json'), `${JSON.stringify(backup, null, 2)}\n`, {
    mode: 0o600,
    flush: true,
  })
  await rename(folder, folderOf(paths, backup.id))
}

export const readPart = (paths: InstancePaths, id: BackupId, part: number): AsyncIterable<Buffer> =>
  createReadStream(fileOf(paths, id, part), { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>

/** Removes what a backup that was cut off has left. */
export async function removeUnfinished(paths: InstancePaths): Promise<void> {
  const names = await readdir(paths.backups).catch(() => [])
  for (const name of names.filter((one) => one.endsWith('.part')))
    await removeFolder(join(paths.backups, name))
}

export const removeFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true })

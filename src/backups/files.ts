import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type InstancePaths } from '../lib/paths.ts'
import { type Backup, type BackupId } from '../model/backup.ts'
import { type BackupKey } from './key.ts'
// The thread's own module, whose types alone are for here.
import type { PartToWrite, WrittenPart } from './write-part.ts'

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

/**
 * Writes one part, read from a pipe, encrypted and down to the disk; resolves to its size and checksum. A thread of its
 * own does that: there it costs less, and commands are answered meanwhile.
 */
export async function writePart(
  folder: string,
  part: number,
  fd: number,
  key: BackupKey,
): Promise<WrittenPart> {
  const task: PartToWrite = { fd, file: join(folder, fileName(part)), key: key.bytes }
  const worker = new Worker(join(import.meta.dirname, `write-part${extname(import.meta.filename)}`), {
    workerData: task,
  })
  const [written] = (await once(worker, 'message')) as [WrittenPart]
  return written
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

import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { type Platform } from '../apps/platform.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type Backup, BackupId } from '../model/backup.ts'
import { fileName, fileOf, readPart } from './files.ts'
import { backupKey, type BackupKey } from './key.ts'
import { bucketOf } from './offsite.ts'
import { opened } from './unpack.ts'

/** A backup that can be restored. Throws NOT_FOUND, or BACKUP_FAILED for one that failed. */
export async function findBackup({ store }: Platform, word: string): Promise<Backup> {
  const id = BackupId.safeParse(word)
  const backup = id.success ? await store.backups.get(id.data) : undefined
  if (backup === undefined) {
    throw new PaasError('NOT_FOUND', `There is no backup ${JSON.stringify(word)}.`, {
      hint: 'What there is: paas backups:list',
    })
  }
  if (backup.status === 'complete') return backup
  throw new PaasError(
    'BACKUP_FAILED',
    `The backup ${word} failed: ${backup.reason ?? 'for an unknown reason'}`,
  )
}

/**
 * What was dumped into one part, from the disk or, where it is not there, from an off-site copy. Throws
 * BACKUP_CORRUPT for another key than it was made with.
 */
export async function* readBackup(
  platform: Platform,
  backup: Backup,
  number: number,
  given?: BackupKey,
): AsyncGenerator<Buffer> {
  const key = given ?? (await backupKey(platform.paths))
  if (key.id !== backup.key) {
    throw new PaasError(
      'BACKUP_CORRUPT',
      `The backup was made with the key ${backup.key}; this one is ${key.id}.`,
      {
        hint: 'Nothing was changed. Give the right one: --key FILE',
      },
    )
  }
  const hash = createHash('sha256')
  async function* checked(): AsyncGenerator<Uint8Array> {
    for await (const bytes of await storedPart(platform, backup, number)) {
      hash.update(bytes)
      yield bytes
    }
    if (hash.digest('hex') !== backup.parts[number]?.sha256) {
      throw new PaasError(
        'BACKUP_CORRUPT',
        `The checksum of the backup ${backup.id} is another one than it was.`,
      )
    }
  }
  yield* opened(checked(), key)
}

/** The file as it is stored. */
export async function storedPart(
  platform: Platform,
  backup: Backup,
  number: number,
): Promise<AsyncIterable<Uint8Array>> {
  const { paths } = platform
  const onDisk = await stat(fileOf(paths, backup.id, number)).then(
    () => true,
    () => false,
  )
  if (onDisk) return readPart(paths, backup.id, number)
  const copy = backup.copies.find(({ status }) => status === 'stored')
  if (copy === undefined) {
    throw new PaasError(
      'BACKUP_CORRUPT',
      `The file of the backup ${backup.id} is gone, and there is no copy of it.`,
    )
  }
  return (await bucketOf(platform, copy.store)).download(`${backup.id}/${fileName(number)}`)
}

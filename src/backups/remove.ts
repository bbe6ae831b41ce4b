import { type Platform } from '../apps/platform.ts'
import { type Backup, subjectKey } from '../model/backup.ts'
import { type Keep } from '../model/service.ts'
import { fileName, folderOf, removeFolder } from './files.ts'
import { bucketOf } from './offsite.ts'
import { kept } from './retention.ts'

/** Removes a backup from the disk and from every store that has it. */
export async function removeBackup(platform: Platform, backup: Backup): Promise<void> {
  for (const { store } of backup.copies) {
    const bucket = await bucketOf(platform, store)
    await bucket.remove(`${backup.id}/backup.json`)
    for (const number of backup.parts.keys()) await bucket.remove(`${backup.id}/${fileName(number)}`)
  }
  await removeFolder(folderOf(platform.paths, backup.id))
  await platform.store.backups.remove(backup.id)
}

/** Removes what a schedule has made and does not keep any longer; the last one that was proven stays in any case. */
export async function removeOld(platform: Platform, key: string, keep: Keep): Promise<void> {
  const all = (await platform.store.backups.list()).filter(
    (backup) => backup.scheduled && subjectKey(backup.subject) === key,
  )
  const complete = all.filter(({ status }) => status === 'complete')
  const stay = kept(
    complete.map(({ createdAt }) => createdAt),
    keep,
    platform.now().toISOString(),
  )
  const proven = complete.findLast((backup) => backup.drill?.ok === true)
  const oldest = complete[0]?.createdAt ?? ''
  for (const backup of all) {
    const old = backup.status === 'complete' ? !stay.has(backup.createdAt) : backup.createdAt < oldest
    if (old && backup.id !== proven?.id) await removeBackup(platform, backup)
  }
}

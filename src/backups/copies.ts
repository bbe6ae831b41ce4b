import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../errors/paas-error.ts'
import { type Backup, subjectName } from '../model/backup.ts'
import { type ServiceContext } from '../services/context.ts'
import { fileName, fileOf, folderOf } from './files.ts'
import { notify } from './notify.ts'
import { bucketOf, storeOf } from './offsite.ts'
import { join } from 'node:path'

/** Milliseconds between tries; each sends only what has not arrived. */
const pauses = [2_000, 10_000, 30_000]

/** Copies a backup to an off-site store. One that does not get there in four tries is noted and told. */
export async function copyOffsite(backup: Backup, to: string, context: ServiceContext): Promise<Backup> {
  const { platform, say, signal } = context
  await storeOf(platform.store, to)
  say(`Copying to ${to}`)
  for (let attempt = 0; ; attempt++) {
    try {
      await sendAll(backup, to, context)
      return await note(backup, { store: to, status: 'stored' }, context)
    } catch (error) {
      signal.throwIfAborted()
      const pause = pauses[attempt]
      if (pause === undefined) {
        const reason = messageOf(error) || String(error)
        say(`The copy failed: ${reason}`)
        const failed = await note(backup, { store: to, status: 'failed', reason }, context)
        await notify(platform, 'backup-copy-failed', {
          backup: backup.id,
          of: subjectName(backup.subject),
          to,
          reason,
        })
        return failed
      }
      say(`${to} does not take it (${messageOf(error)}); again in ${pause / 1000} s`)
      await sleep(pause, undefined, { signal })
    }
  }
}

async function sendAll(backup: Backup, to: string, { platform, signal }: ServiceContext): Promise<void> {
  const bucket = await bucketOf(platform, to)
  for (const number of backup.parts.keys()) {
    await bucket.upload(`${backup.id}/${fileName(number)}`, fileOf(platform.paths, backup.id, number), signal)
  }
  // Last: a copy is whole where this is.
  await bucket.upload(
    `${backup.id}/backup.json`,
    join(folderOf(platform.paths, backup.id), 'backup.json'),
    signal,
  )
}

async function note(
  backup: Backup,
  copy: Backup['copies'][number],
  { platform }: ServiceContext,
): Promise<Backup> {
  const { backups } = platform.store
  const now = (await backups.get(backup.id)) ?? backup
  const noted = { ...now, copies: [...now.copies.filter(({ store }) => store !== copy.store), copy] }
  await backups.save(noted)
  return noted
}

import { messageOf, PaasError } from '../errors/paas-error.ts'
import { randomId } from '../lib/ids.ts'
import { type Backup, BackupId, type Part, subjectKey, subjectName } from '../model/backup.ts'
import { type ServiceContext } from '../services/context.ts'
import { copyOffsite } from './copies.ts'
import { completeFolder, newFolder, removeFolder, writePart } from './files.ts'
import { type BackupKey, backupKey } from './key.ts'
import { type Source, type SourcePart } from './source.ts'

export type BackupOptions = {
  scheduled: boolean
  to: string | undefined
  /** Whether to note what is in it, so that a drill can tell whether all of it came back. */
  counted: boolean
}

/**
 * Backs a source up to this server's disk and, with `to`, to an off-site store. One that fails is noted as failed
 * and leaves no file; BACKUP_FAILED is thrown.
 */
export async function createBackup(
  source: Source,
  options: BackupOptions,
  context: ServiceContext,
): Promise<Backup> {
  const { platform, actor, signal } = context
  const queue = `backup ${subjectKey(source.subject)}`
  return platform.queues.run(queue, { owner: actor, verb: 'backups:create', signal }, async () => {
    const backup = await dumpToDisk(source, options, context)
    return options.to === undefined ? backup : copyOffsite(backup, options.to, context)
  })
}

async function dumpToDisk(
  source: Source,
  { scheduled, counted }: BackupOptions,
  context: ServiceContext,
): Promise<Backup> {
  const { platform, actor, say } = context
  const { backups } = platform.store
  const key = await backupKey(platform.paths)
  const began = performance.now()
  const base: Backup = {
    id: newId(platform.now()),
    subject: source.subject,
    createdAt: platform.now().toISOString(),
    createdBy: actor,
    scheduled,
    status: 'complete',
    seconds: 0,
    parts: [],
    key: key.id,
    copies: [],
  }
  const seconds = (): number => Math.round(performance.now() - began) / 1000
  const folder = await newFolder(platform.paths, base.id)
  try {
    const parts: Part[] = []
    for (const [number, part] of source.parts.entries()) {
      say(`Saving ${subjectName(source.subject)}${source.parts.length > 1 ? `: ${part.name}` : ''}`)
      parts.push(await savePart(part, number, folder, key, counted))
    }
    const backup = { ...base, parts, seconds: seconds() }
    await completeFolder(platform.paths, folder, backup)
    await backups.save(backup)
    return backup
  } catch (error) {
    await removeFolder(folder)
    // One that somebody gave up has not failed.
    if (!context.signal.aborted) {
      await backups.save({ ...base, status: 'failed', reason: messageOf(error), seconds: seconds() })
    }
    context.signal.throwIfAborted()
    throw new PaasError(
      'BACKUP_FAILED',
      `${subjectName(source.subject)} was not backed up: ${messageOf(error)}`,
      {
        cause: error,
      },
    )
  }
}

async function savePart(
  part: SourcePart,
  number: number,
  folder: string,
  key: BackupKey,
  counted: boolean,
): Promise<Part> {
  const before = counted ? await part.contents() : undefined
  const dump = await part.start()
  const written = await writePart(folder, number, dump.fd, key).catch((error: unknown) => {
    dump.stop()
    throw error
  })
  await dump.ended()
  const counts = before && { before, after: await part.contents() }
  return {
    name: part.name,
    ...(part.app !== undefined && { app: part.app }),
    ...written,
    ...(counts && { counts }),
  }
}

function newId(now: Date): BackupId {
  const [date, time] = now
    .toISOString()
    .replaceAll(/[-:]|\.\d+Z/g, '')
    .split('T') as [string, string]
  return BackupId.parse(`${date}-${time}-${randomId('').slice(0, 4)}`)
}

import { messageOf } from '../errors/paas-error.ts'
import { randomHex } from '../lib/ids.ts'
import { type Backup, type Drill, type Part, subjectName } from '../model/backup.ts'
import { ServiceName } from '../model/service.ts'
import { createContainer, removeContainer, settle } from '../services/container.ts'
import { type Contents, contentsOf } from '../services/contents.ts'
import { type ServiceContext } from '../services/context.ts'
import { draft } from '../services/create.ts'
import { takeImage } from '../services/image.ts'
import { datastoreOf } from '../services/registry.ts'
import { throwawayLabels } from '../services/throwaway.ts'
import { restoreInto } from '../services/transfer.ts'
import { readBackup } from './find.ts'
import { notify } from './notify.ts'
import { restoreStorage, storageContents, withVolume } from './storage-source.ts'

/**
 * Proves a backup: loads it into a throwaway, which nothing else reaches, and compares what is in it then with what
 * was there when it was made. The result is kept with the backup; a failure is also told.
 */
export async function drill(backup: Backup, context: ServiceContext): Promise<Drill> {
  const { platform, say } = context
  say(`Proving ${backup.id} in a throwaway`)
  const began = performance.now()
  let counts: Contents = {}
  let reason: string | undefined
  try {
    counts = await (backup.subject.type === 'service'
      ? loadService(backup, context)
      : loadStorage(backup, context))
  } catch (error) {
    context.signal.throwIfAborted()
    reason = messageOf(error)
  }
  const result: Drill = {
    at: platform.now().toISOString(),
    ok: reason === undefined,
    ...(reason !== undefined && { reason }),
    seconds: Math.round(performance.now() - began) / 1000,
    counts,
  }
  const now = (await platform.store.backups.get(backup.id)) ?? backup
  await platform.store.backups.save({ ...now, drill: result })
  if (reason !== undefined) {
    await notify(platform, 'backup-drill-failed', {
      backup: backup.id,
      of: subjectName(backup.subject),
      reason,
    })
  }
  return result
}

/**
 * Pure. Throws for the first count that is not what it was, or between what it was before and after the dump. Where
 * nothing was counted then, that it could be loaded is all that can be told.
 */
export function compare({ name, counts }: Pick<Part, 'name' | 'counts'>, found: Contents): void {
  if (counts === undefined) return
  const { before, after } = counts
  for (const what of new Set([...Object.keys(before), ...Object.keys(after), ...Object.keys(found)])) {
    const [least, most] = [before[what] ?? 0, after[what] ?? 0].sort((a, b) => a - b) as [number, number]
    const count = found[what] ?? 0
    if (count >= least && count <= most) continue
    const expected = least === most ? String(least) : `${least} to ${most}`
    throw new Error(`${name}: ${what} has ${count}, and should have ${expected}`)
  }
}

async function loadService(backup: Backup, context: ServiceContext): Promise<Contents> {
  const { subject } = backup
  if (subject.type !== 'service') return {}
  const { platform } = context
  const datastore = datastoreOf(subject)
  const { chosen } = await takeImage(datastore, subject.image, context)
  const all: Contents = {}
  for (const [number, part] of backup.parts.entries()) {
    // A server of its own for each: what one part brings must not help the next.
    const made = draft({ datastore, name: ServiceName.parse('drill'), image: subject.image }, context)
    const service = { ...made, current: { ...made.current, ...chosen } }
    const volume = `paas-${platform.instance.name}-drill-${randomHex(6)}`
    const plan = {
      role: 'throwaway',
      network: 'none',
      volume,
      aliases: [],
      labels: throwawayLabels(),
    } as const
    const id = await createContainer(service, context, { ...plan, aliases: [...plan.aliases] })
    try {
      await platform.engine.containers.start(id)
      await settle(service, id, context)
      await restoreInto(service, id, undefined, readBackup(platform, backup, number), context)
      const found = await contentsOf(service, id, context)
      compare(part, found)
      Object.assign(all, backup.parts.length === 1 ? found : prefixed(part.name, found))
    } finally {
      await removeContainer(platform, id, 1)
      await platform.engine.volumes.remove(volume)
    }
  }
  return all
}

async function loadStorage(backup: Backup, context: ServiceContext): Promise<Contents> {
  const { engine, instance } = context.platform
  const volume = `paas-${instance.name}-drill-${randomHex(6)}`
  await engine.volumes.ensure(volume, {
    'paas.instance': instance.name,
    'paas.role': 'throwaway',
    ...throwawayLabels(),
  })
  try {
    return await withVolume(volume, context, async (container) => {
      await restoreStorage(container, readBackup(context.platform, backup, 0), context)
      const found = await storageContents(container, context)
      compare(backup.parts[0]!, found)
      return found
    })
  } finally {
    await engine.volumes.remove(volume)
  }
}

const prefixed = (name: string, counts: Contents): Contents =>
  Object.fromEntries(Object.entries(counts).map(([what, count]) => [`${name} ${what}`, count]))

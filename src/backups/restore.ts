import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Backup } from '../model/backup.ts'
import { type Service, ServiceName } from '../model/service.ts'
import { accessOfLink } from '../services/access.ts'
import { runningServer } from '../services/container.ts'
import { type ServiceContext } from '../services/context.ts'
import { createService } from '../services/create.ts'
import { serviceTurn } from '../services/find.ts'
import { datastoreOf } from '../services/registry.ts'
import { restoreInto } from '../services/transfer.ts'
import { readBackup } from './find.ts'
import { type BackupKey } from './key.ts'
import { appVolume, restoreStorage, withVolume } from './storage-source.ts'

export type Restored = { into: string; parts: string[]; left: string[] }

/**
 * Restores a service's backup into a service of the same kind, which is made where there is none of that name.
 * Databases that apps have for themselves come back where those apps are still linked; the others are left.
 */
export async function restoreService(
  backup: Backup,
  target: string,
  key: BackupKey | undefined,
  context: ServiceContext,
): Promise<Restored> {
  const { subject } = backup
  if (subject.type !== 'service') throw new PaasError('INVALID_INPUT', `${backup.id} is a backup of storage.`)
  const name = ServiceName.safeParse(target)
  if (!name.success) throw new PaasError('INVALID_INPUT', `--to: ${name.error.issues[0]!.message}.`)
  const found = await context.platform.store.services.find(name.data)
  if (found !== undefined) {
    if (found.kind !== subject.kind) {
      throw new PaasError(
        'INVALID_INPUT',
        `${found.name} is ${found.kind}, and the backup is of ${subject.kind}.`,
      )
    }
    return serviceTurn(found, 'backups:restore', context, async (current) =>
      loadAll(backup, current, await runningServer(context.platform, current), key, context),
    )
  }
  context.say(`There is no service ${name.data}; making it`)
  let result: Restored | undefined
  const { image } = subject
  await createService(
    { datastore: datastoreOf(subject), name: name.data, image },
    context,
    async (made, container) => {
      result = await loadAll(backup, made, container, key, context)
    },
  )
  return result!
}

/** Loads every part that has a place in the service. */
export async function loadAll(
  backup: Backup,
  service: Service,
  container: string,
  key: BackupKey | undefined,
  context: ServiceContext,
): Promise<Restored> {
  const { platform } = context
  const restored: Restored = { into: service.name, parts: [], left: [] }
  for (const [number, part] of backup.parts.entries()) {
    const link =
      part.app === undefined ? undefined : service.links.find(({ app, own }) => app === part.app && own)
    if (part.app !== undefined && link === undefined) {
      restored.left.push(part.name)
      continue
    }
    context.say(`Restoring ${part.name}`)
    const access = link && accessOfLink(service, link, platform.store.secrets)
    await restoreInto(service, container, access, readBackup(platform, backup, number, key), context)
    restored.parts.push(part.name)
  }
  return restored
}

/** Restores the backup of a volume into a volume of an app. Its containers see the files of then at once. */
export async function restoreVolume(
  backup: Backup,
  app: App,
  volume: string,
  key: BackupKey | undefined,
  context: ServiceContext,
): Promise<Restored> {
  if (backup.subject.type !== 'storage')
    throw new PaasError('INVALID_INPUT', `${backup.id} is a backup of a service.`)
  if (!(app.mounts ?? []).some(({ name }) => name === volume)) {
    throw new PaasError('NOT_FOUND', `${app.name} has no storage named ${volume}.`, {
      hint: `paas storage:mount ${app.name} ${volume}:/path`,
    })
  }
  context.say(`Restoring ${volume}`)
  await withVolume(appVolume(app, volume, context), context, (container) =>
    restoreStorage(container, readBackup(context.platform, backup, 0, key), context),
  )
  return { into: `${app.name}:${volume}`, parts: [volume], left: [] }
}

import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Subject } from '../model/backup.ts'
import { AppName } from '../model/names.ts'
import { type ServiceContext } from '../services/context.ts'
import { findService } from '../services/find.ts'
import { serviceSource } from './service-source.ts'
import { type Source } from './source.ts'
import { appVolume, storageSource, withVolume } from './storage-source.ts'

/** What a word names: `db1` a service, `blog:uploads` the storage of an app. Throws where there is no such thing. */
export async function findSubject(
  word: string,
  { platform }: Pick<ServiceContext, 'platform'>,
): Promise<Subject> {
  const [name = '', volume] = word.split(':')
  if (volume === undefined) {
    const { id, kind, current, ...service } = await findService(platform, name)
    return { type: 'service', id, name: service.name, kind, image: current.image, version: current.version }
  }
  const app = await findStorage(name, volume, { platform })
  return { type: 'storage', id: app.id, name: app.name, volume }
}

/** The app that has this storage. Throws APP_NOT_FOUND or NOT_FOUND. */
export async function findStorage(
  name: string,
  volume: string,
  { platform }: Pick<ServiceContext, 'platform'>,
): Promise<App> {
  const parsed = AppName.safeParse(name)
  const app = parsed.success ? await platform.store.apps.find(parsed.data) : undefined
  if (app === undefined)
    throw new PaasError('APP_NOT_FOUND', `There is no app named ${JSON.stringify(name)}.`)
  if ((app.mounts ?? []).some((mount) => mount.name === volume)) return app
  throw new PaasError('NOT_FOUND', `${app.name} has no storage named ${JSON.stringify(volume)}.`, {
    hint: `What it has: paas storage:list ${app.name}`,
  })
}

/** Runs a task with what a backup of the subject is made from. */
export async function withSource<T>(
  subject: Subject,
  context: ServiceContext,
  task: (source: Source) => Promise<T>,
): Promise<T> {
  const { store } = context.platform
  if (subject.type === 'service') {
    const service = await store.services.get(subject.id)
    if (service === undefined)
      throw new PaasError('SERVICE_NOT_FOUND', `The service ${subject.name} is gone.`)
    return task(await serviceSource(service, context))
  }
  const app = await store.apps.get(subject.id)
  if (app === undefined) throw new PaasError('APP_NOT_FOUND', `The app ${subject.name} is gone.`)
  return withVolume(appVolume(app, subject.volume, context), context, (container) =>
    task(storageSource(app, subject.volume, container, context)),
  )
}

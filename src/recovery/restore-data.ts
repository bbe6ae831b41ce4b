import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { appVolume, prepareVolume, restoreStorage, withVolume } from '../backups/storage-source.ts'
import { unpacked } from '../backups/unpack.ts'
import { type App } from '../model/app.ts'
import { type Service, volumeOf } from '../model/service.ts'
import { accessOf, accessOfLink } from '../services/access.ts'
import { createContainer, removeContainer, settle } from '../services/container.ts'
import { type ServiceContext } from '../services/context.ts'
import { versionOf } from '../services/create.ts'
import { datastoreOf } from '../services/registry.ts'
import { throwawayLabels } from '../services/throwaway.ts'
import { restoreInto } from '../services/transfer.ts'
import { serviceDump, storageDump } from './layout.ts'

/**
 * Loads the data of services into volumes that nothing uses yet, and resolves to the services as they are with them:
 * what runs here goes on with its own data until the state says otherwise. A failure leaves no volume.
 */
export async function loadServices(
  services: readonly Service[],
  folder: string,
  context: ServiceContext,
): Promise<Service[]> {
  const { engine } = context.platform
  const volumes: string[] = []
  try {
    const loaded: Service[] = []
    for (const service of services) {
      if (!(await exists(join(folder, serviceDump(service.id))))) continue
      context.say(`Loading the data of ${service.name}`)
      const next = await nextGeneration(service, context)
      const volume = volumeOf(context.platform.instance.name, service.id, next.current.number)
      volumes.push(volume)
      loaded.push(await load(next, volume, folder, context))
    }
    return loaded
  } catch (error) {
    for (const volume of volumes) await engine.volumes.remove(volume)
    throw error
  }
}

/** The service with a generation whose volume is not there yet. What an upgrade has kept is of no use to it. */
async function nextGeneration(service: Service, { platform }: ServiceContext): Promise<Service> {
  const next = { ...service }
  delete next.previous
  let { number } = service.current
  while (await platform.engine.volumes.exists(volumeOf(platform.instance.name, service.id, number))) number++
  return { ...next, current: { ...service.current, number } }
}

/** Fills a volume through a server that nothing else reaches. */
async function load(
  service: Service,
  volume: string,
  folder: string,
  context: ServiceContext,
): Promise<Service> {
  const { engine, store } = context.platform
  const datastore = datastoreOf(service)
  const id = await createContainer(service, context, {
    role: 'throwaway',
    network: 'none',
    volume,
    aliases: [],
    labels: throwawayLabels(),
  })
  try {
    await engine.containers.start(id)
    await settle(service, id, context)
    const own = accessOf(service, store.secrets)
    await restoreInto(service, id, own, dumpIn(folder, serviceDump(service.id)), context)
    for (const link of service.links.filter((one) => one.own !== undefined)) {
      // An app that was unlinked while the backup was made is in its state, and its database is not.
      if (!(await exists(join(folder, serviceDump(service.id, link.app))))) continue
      const database = accessOfLink(service, link, store.secrets)
      await restoreInto(service, id, database, dumpIn(folder, serviceDump(service.id, link.app)), context)
    }
    const version = await versionOf(datastore, id, context)
    return { ...service, current: { ...service.current, version } }
  } finally {
    await removeContainer(context.platform, id)
  }
}

/** Replaces the files in the volumes of apps. Each is replaced whole or not at all. */
export async function loadStorage(
  apps: readonly App[],
  folder: string,
  context: ServiceContext,
): Promise<void> {
  for (const app of apps) {
    for (const name of new Set(app.mounts?.map((mount) => mount.name))) {
      if (!(await exists(join(folder, storageDump(app.id, name))))) continue
      context.say(`Loading the storage ${app.name}:${name}`)
      await prepareVolume(app, name, context)
      await withVolume(appVolume(app, name, context), context, (container) =>
        restoreStorage(container, dumpIn(folder, storageDump(app.id, name)), context),
      )
    }
  }
}

const dumpIn = (folder: string, path: string): AsyncGenerator<Buffer> => unpacked(bytesOf(join(folder, path)))

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  yield* createReadStream(path) as AsyncIterable<Buffer>
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

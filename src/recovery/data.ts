import { serviceSource } from '../backups/service-source.ts'
import { appVolume, storageSource, withVolume } from '../backups/storage-source.ts'
import { type App } from '../model/app.ts'
import { type Service } from '../model/service.ts'
import { bringUp } from '../services/container.ts'
import { type ServiceContext } from '../services/context.ts'
import { serviceTurn } from '../services/find.ts'
import { stopServer } from '../services/power.ts'
import { datastoreOf } from '../services/registry.ts'
import { printed } from '../services/run.ts'
import { type ArchiveFile } from './archive.ts'
import { serviceDump, storageDump } from './layout.ts'

/** A dump of every database of every service, each of one moment. */
export async function* serviceFiles(
  services: readonly Service[],
  context: ServiceContext,
): AsyncGenerator<ArchiveFile> {
  for (const service of services) {
    if (datastoreOf(service).data === undefined) continue
    context.say(`Saving the service ${service.name}`)
    await using turn = await takeTurn(service, context)
    // One that is stopped runs for as long as it is read.
    if (!turn.service.running) await bringUp(turn.service, context)
    try {
      const { parts } = await serviceSource(turn.service, context)
      for (const { app, start } of parts)
        yield { path: serviceDump(service.id, app), stream: () => printed(start) }
    } finally {
      if (!turn.service.running) await stopServer(turn.service, context)
    }
  }
}

/** The files of every volume of apps. Files that change meanwhile are as they were at some moment. */
export async function* storageFiles(
  apps: readonly App[],
  context: ServiceContext,
): AsyncGenerator<ArchiveFile> {
  for (const app of apps) {
    for (const name of new Set(app.mounts?.map((mount) => mount.name))) {
      context.say(`Saving the storage ${app.name}:${name}`)
      yield { path: storageDump(app.id, name), stream: () => volumeFiles(app, name, context) }
    }
  }
}

async function* volumeFiles(app: App, name: string, context: ServiceContext): AsyncGenerator<Buffer> {
  const container = Promise.withResolvers<string>()
  const read = Promise.withResolvers<void>()
  const held = withVolume(appVolume(app, name, context), context, (id) => {
    container.resolve(id)
    return read.promise
  })
  held.catch(container.reject)
  try {
    const { parts } = storageSource(app, name, await container.promise, context)
    for (const { start } of parts) yield* printed(start)
  } finally {
    read.resolve()
    await held
  }
}

/** The turn of a service, held until it is disposed of: nobody changes the service meanwhile. */
async function takeTurn(
  service: Service,
  context: ServiceContext,
): Promise<AsyncDisposable & { service: Service }> {
  const given = Promise.withResolvers<Service>()
  const over = Promise.withResolvers<void>()
  const turn = serviceTurn(service, 'server:backup', context, (current) => {
    given.resolve(current)
    return over.promise
  })
  turn.catch(given.reject)
  return {
    service: await given.promise,
    async [Symbol.asyncDispose]() {
      over.resolve()
      await turn
    },
  }
}

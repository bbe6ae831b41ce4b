import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type App } from '../model/app.ts'
import { hostsOf } from './hosts.ts'
import { type Platform } from './platform.ts'
import { appQueue, type Asker } from './queue.ts'
import { removeVolumes } from './storage.ts'

/** Removes an app and all that is its: routes first, then containers, images, repository and state. */
export async function destroyApp(platform: Platform, app: App, asker: Asker): Promise<void> {
  await appQueue(platform, app, { ...asker, verb: 'apps:destroy' }, async (current) => {
    await platform.store.routes.set({ set: [], remove: hostsOf(current, platform.instance.domain) })
    // State goes before what costs time: an app that is half destroyed must not come back by reconcile.
    await platform.store.apps.remove(current)
    const containers = await platform.scheduler.list(current.id)
    await Promise.all(containers.map(({ id }) => platform.scheduler.remove(id, 5)))
    await removeVolumes(platform, current)
    await removeImages(platform, [`paas.instance=${platform.instance.name}`, `paas.app=${current.id}`])
    await platform.logs.remove(current.id)
    await Promise.all(
      [platform.paths.repos, platform.paths.builds].map((folder) =>
        rm(join(folder, folder === platform.paths.repos ? `${current.id}.git` : current.id), {
          recursive: true,
          force: true,
        }),
      ),
    )
  })
}

async function removeImages({ engine }: Platform, labels: string[]): Promise<void> {
  const images = await engine.images.list(labels)
  for (const { id, tags } of images) {
    for (const name of tags.length > 0 ? tags : [id]) await engine.images.remove(name)
  }
}

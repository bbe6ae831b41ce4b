import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Platform } from '../apps/platform.ts'
import { appQueue } from '../apps/queue.ts'
import { PaasError } from '../errors/paas-error.ts'
import { pruneAfterRelease } from '../deploy/retention.ts'
import { AppId } from '../model/names.ts'

/**
 * Removes the folders of builds that a killed controller left: before anybody may deploy, as then every folder is
 * one of those. The logs of builds beside them stay.
 */
export async function removeBuildFolders(builds: string): Promise<void> {
  for (const app of await folders(builds)) {
    for (const build of await folders(app)) await rm(build, { recursive: true, force: true })
  }
}

/** Removes images that a deploy made which died before it had a release, or with it. */
export async function removeUnreleasedImages(platform: Platform, signal: AbortSignal): Promise<void> {
  const { engine, instance, store } = platform
  const images = await engine.images.list([`paas.instance=${instance.name}`, 'paas.app'])
  const tags = images.flatMap((image) => image.tags)
  for (const app of await store.apps.list()) {
    const own = tags.filter((tag) => tag.startsWith(`paas/${app.id}:`))
    if (own.length === 0) continue
    const releases = await store.releases.list(app.id)
    const used = new Set(releases.filter(({ status }) => status !== 'failed').map(({ image }) => image.tag))
    if (own.every((tag) => used.has(tag))) continue
    const who = { owner: 'paas', verb: 'reconcile', signal }
    await appQueue(platform, app, who, (current) => pruneAfterRelease(current, { platform })).catch(
      (error: unknown) => {
        // Then its images are gone with it.
        if (!(error instanceof PaasError && error.code === 'APP_NOT_FOUND')) throw error
      },
    )
  }
}

/** Removes images of apps that are no more: when those were destroyed, something still used the image. */
export async function removeOrphanImages(
  { engine, instance, store }: Platform,
  known: ReadonlySet<string>,
): Promise<void> {
  const images = await engine.images.list([`paas.instance=${instance.name}`, 'paas.app'])
  for (const tag of images.flatMap(({ tags }) => tags)) {
    const app = AppId.safeParse(/^paas\/([^:]+):/.exec(tag)?.[1])
    if (!app.success || known.has(app.data)) continue
    // An app may have been created since the list was read.
    if ((await store.apps.get(app.data)) === undefined) await engine.images.remove(tag)
  }
}

async function folders(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(parent, name))
}

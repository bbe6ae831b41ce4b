import { messageOf } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Release } from '../model/release.ts'
import { type DeployContext } from './context.ts'

/**
 * The tags that an app's images must keep. Pure. Whatever the number: that of the live release, of the one that was
 * live before it, and of releases that are being made. Failed releases need none.
 */
export function tagsToKeep(releases: Release[], keep: number): Set<string> {
  const newestFirst = [...releases].sort((a, b) => b.version - a.version)
  const good = newestFirst.filter(({ status }) => status === 'active' || status === 'superseded')
  const lastGood = good.find(({ status }) => status === 'superseded')
  const needed = newestFirst.filter(({ status }) => status === 'active' || status === 'pending')
  return new Set(
    [...needed, ...(lastGood === undefined ? [] : [lastGood]), ...good.slice(0, keep)].map(
      ({ image }) => image.tag,
    ),
  )
}

/**
 * Removes the images of an app that no release to keep needs; resolves to their tags. Only what is labelled as this
 * app's is looked at, and an image that a container still uses stays. Callers hold the app's queue.
 */
export async function pruneImages(
  app: App,
  { platform }: Pick<DeployContext, 'platform'>,
  keep: number,
): Promise<string[]> {
  const { engine, store, instance } = platform
  const wanted = tagsToKeep(await store.releases.list(app.id), keep)
  const images = await engine.images.list([`paas.instance=${instance.name}`, `paas.app=${app.id}`])
  const tags = images.flatMap((image) => image.tags)
  const useless = tags.filter((tag) => tag.startsWith(`paas/${app.id}:`) && !wanted.has(tag))
  for (const tag of useless) await engine.images.remove(tag)
  return useless
}

/** The same after a release, with the number that is set; a failure is nobody's who deploys. */
export async function pruneAfterRelease(app: App, context: Pick<DeployContext, 'platform'>): Promise<void> {
  const { platform } = context
  try {
    const { keepReleases } = await platform.store.settings.get()
    const removed = await pruneImages(app, context, app.keepReleases ?? keepReleases)
    if (removed.length > 0) platform.log.info({ app: app.name, removed }, 'removed images of old releases')
  } catch (error) {
    platform.log.warn({ app: app.name, reason: messageOf(error) }, 'old images could not be removed')
  }
}

import { type Platform } from '../apps/platform.ts'
import { appQueue } from '../apps/queue.ts'
import { pruneImages } from './retention.ts'

/**
 * Brings the images of all apps under the budget that is set: every app keeps one release less, and one less again,
 * down to the live one and the one before it. Resolves to the tags that went; none without a budget.
 */
export async function keepImageBudget(platform: Platform): Promise<string[]> {
  const { store } = platform
  const { imageBudgetBytes, keepReleases } = await store.settings.get()
  if (imageBudgetBytes === undefined) return []
  const removed: string[] = []
  for (let keep = keepReleases - 1; keep >= 1; keep--) {
    if ((await imageBytes(platform)) <= imageBudgetBytes) return removed
    for (const app of await store.apps.list()) {
      const most = Math.min(keep, app.keepReleases ?? keep)
      const who = { owner: 'paas', verb: 'image budget' }
      removed.push(...(await appQueue(platform, app, who, (now) => pruneImages(now, { platform }, most))))
    }
  }
  return removed
}

/** Bytes of the images of apps, without what they share with others. */
async function imageBytes({ engine, instance }: Platform): Promise<number> {
  const { images } = await engine.diskUsage()
  return images
    .filter(({ labels }) => labels['paas.instance'] === instance.name && labels['paas.app'] !== undefined)
    .reduce((sum, { bytes }) => sum + bytes, 0)
}

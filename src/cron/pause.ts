import { type Platform } from '../apps/platform.ts'
import { appQueue, type Asker } from '../apps/queue.ts'
import { type App } from '../model/app.ts'
import { findEntry } from './find.ts'

/** Pauses a cron entry of an app, or lets it run again. Throws NOT_FOUND for an unknown one. */
export async function pauseCron(
  platform: Platform,
  app: App,
  { name, paused }: { name: string; paused: boolean },
  asker: Asker,
): Promise<void> {
  await findEntry(platform, app, name)
  const verb = paused ? 'cron:pause' : 'cron:resume'
  await appQueue(platform, app, { ...asker, verb }, async (current) => {
    const others = (current.pausedCron ?? []).filter((other) => other !== name)
    await platform.store.apps.save({ ...current, pausedCron: paused ? [...others, name] : others })
  })
}

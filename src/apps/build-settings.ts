import { type App, type BuildSettings } from '../model/app.ts'
import { type Platform } from './platform.ts'
import { appQueue } from './queue.ts'

/**
 * Changes how the next build of an app is made; what runs stays. A setting given as undefined goes back to what
 * is detected.
 */
export async function changeBuildSettings(
  platform: Platform,
  app: App,
  change: { [K in keyof BuildSettings]: BuildSettings[K] | undefined },
  who: { owner: string; verb: string },
): Promise<BuildSettings> {
  return appQueue(platform, app, who, async (current) => {
    const { build, ...rest } = current
    const merged = Object.entries({ ...build, ...change }).filter(([, value]) => value !== undefined)
    const settings = Object.fromEntries(merged) as BuildSettings
    await platform.store.apps.save(merged.length === 0 ? rest : { ...rest, build: settings })
    return settings
  })
}

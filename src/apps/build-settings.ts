import { type App, type BuildSettings } from '../model/app.ts'
import { type Platform } from './platform.ts'
import { appQueue, type Asker } from './queue.ts'

/**
 * Changes how the next build of an app is made; what runs stays. A setting given as undefined goes back to what
 * is detected.
 */
export async function changeBuildSettings(
  platform: Platform,
  app: App,
  change: (current: BuildSettings) => Change,
  who: Asker & { verb: string },
): Promise<BuildSettings> {
  return appQueue(platform, app, who, async (current) => {
    const changed = withBuildSettings(current, change(current.build ?? {}))
    await platform.store.apps.save(changed)
    return changed.build ?? {}
  })
}

type Change = { [K in keyof BuildSettings]: BuildSettings[K] | undefined }

/** Pure. The app with these settings; one that is undefined is taken away. */
export function withBuildSettings({ build, ...rest }: App, change: Change): App {
  const merged = Object.entries({ ...build, ...change }).filter(([, value]) => value !== undefined)
  return merged.length === 0 ? rest : { ...rest, build: Object.fromEntries(merged) }
}

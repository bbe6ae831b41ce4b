import { type Platform } from '../apps/platform.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type CronEntry, type Release } from '../model/release.ts'

/** The live release of an app with its cron entries; none before the first release. */
export async function cronOf(
  { store }: Platform,
  app: App,
): Promise<{ release: Release | undefined; entries: CronEntry[] }> {
  const { currentRelease } = app
  const release = currentRelease === undefined ? undefined : await store.releases.get(app.id, currentRelease)
  return { release, entries: release?.image.cron ?? [] }
}

/** One entry by its name. Throws NOT_FOUND. */
export async function findEntry(
  platform: Platform,
  app: App,
  name: string,
): Promise<{ release: Release; entry: CronEntry }> {
  const { release, entries } = await cronOf(platform, app)
  const entry = entries.find((one) => one.name === name)
  if (release !== undefined && entry !== undefined) return { release, entry }
  throw new PaasError('NOT_FOUND', `${app.name} has no cron entry ${JSON.stringify(name.slice(0, 64))}.`, {
    hint: `What there is: paas cron -a ${app.name}`,
  })
}

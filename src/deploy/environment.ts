import { type App } from '../model/app.ts'
import { globalScope, type Release } from '../model/release.ts'
import { type Secrets } from '../store/secrets.ts'
import { type Slot } from '../schedulers/scheduler.ts'

/** The port that a release's web process is told and checked on: a config var PORT wins. */
export function portOf(release: Release, config: Record<string, string>): number {
  const own = Number(config['PORT'])
  return Number.isInteger(own) && own > 0 && own < 65_536 ? own : release.image.port
}

/** The values of a release's config: those of every app, and over them the app's own. */
export function configOf(
  app: Pick<App, 'id'>,
  { config, globalConfig = {} }: Pick<Release, 'config' | 'globalConfig'>,
  secrets: Secrets,
): Record<string, string> {
  return { ...secrets.openAll(globalScope, globalConfig), ...secrets.openAll(app.id, config) }
}

/** What a process finds in its environment: the release's config and a few facts, in Heroku's names. */
export function environmentOf(
  app: App,
  release: Release,
  slot: Slot,
  secrets: Secrets,
): Record<string, string> {
  const config = configOf(app, release, secrets)
  return {
    PORT: String(portOf(release, config)),
    DYNO: `${slot.type}.${slot.index}`,
    PAAS_APP: app.name,
    PAAS_RELEASE: `v${release.version}`,
    ...(release.commit !== undefined && { SOURCE_VERSION: release.commit }),
    ...config,
  }
}

import { type Platform } from '../apps/platform.ts'
import { type PlanOptions } from '../build/detect.ts'
import { type App } from '../model/app.ts'
import { configOf } from './environment.ts'

/** What decides about an app's builds besides its source: the buildpacks that there are, and what it was told. */
export async function planOptionsOf(
  app: App | undefined,
  { store, buildpacks }: Pick<Platform, 'store' | 'buildpacks'>,
): Promise<PlanOptions> {
  if (app === undefined) return { buildpacks: await buildpacks() }
  const [known, config, globalConfig] = await Promise.all([
    buildpacks(),
    store.apps.config(app.id),
    store.globalConfig.get(),
  ])
  const { BUILDPACK_URL: url = '' } = configOf(app, { config, globalConfig }, store.secrets)
  return { buildpacks: known, ...app.build, ...(url !== '' && { buildpackUrl: url }) }
}

import { withBuildSettings } from '../apps/build-settings.ts'
import { type Platform } from '../apps/platform.ts'
import { type BuildPlan } from '../build/plan.ts'
import { type Source } from '../build/source.ts'
import { randomId } from '../lib/ids.ts'
import { type App } from '../model/app.ts'
import { type Build } from '../model/build.ts'
import { type CronEntry, type Image, type SealedConfig } from '../model/release.ts'
import { type CurrentBuild, recordBuild } from './build-record.ts'
import { type DeployContext } from './context.ts'
import { draftFrom, refuseMissing, refuseSizes } from './draft.ts'
import { keepImageBudget } from './image-budget.ts'
import { makeImage } from './image.ts'
import { pruneAfterRelease } from './retention.ts'
import { rollOut } from './roll-out.ts'
import { type Released } from './stages.ts'
import { runPostdeploy } from './task.ts'
import { takeTurn } from './turn.ts'

/** What is going to be built: nothing has been changed yet. */
export type Planned = {
  app: App
  /** The commit that the source is of; undefined for a prebuilt image. */
  commit?: string
  /** The branch that the app is deployed from, once the release is live. */
  branch?: string
  /** What the release will say about itself: `Deploy 1a2b3c4d`. */
  description: string
  source: Source
  plan: BuildPlan
  cron: CronEntry[]
}

/** A build of an app: what it is of, how it is planned in the app's turn, and whether it starts without a cache. */
export type BuildRequest = {
  app: App
  verb: string
  from: Pick<Build, 'commit' | 'image'>
  clearCache?: boolean
  plan: (app: App, build: CurrentBuild, context: DeployContext) => Promise<Planned>
}

/**
 * Plan → Image → Release → Candidates → Healthy → Routed → Retired, in the app's turn; resolves to the release's
 * version.
 */
export async function buildAndRelease(request: BuildRequest, context: DeployContext): Promise<number> {
  const { platform } = context
  const version = await takeTurn(request.app, request.verb, context, (current, turn) =>
    recordBuild(current, request.from, turn, async (build, context) => {
      const noCache = request.clearCache === true || current.build?.clearCache === true
      const app = noCache ? await withEmptyCache(current, platform) : current
      const planned = await request.plan(app, build, context)
      const { config, globalConfig } = await setFor(app, platform)
      refuseMissing(planned, { ...globalConfig, ...config })
      refuseSizes(planned, await platform.engine.about())
      const image = await inBuildTurn(build, context, () =>
        makeImage(planned, build.id, { noCache }, context),
      )
      const released = await releaseImage(planned, image, context)
      if (app.currentRelease === undefined) await runPostdeploy(released, context)
      await pruneAfterRelease(released.app, context)
      return released.release.version
    }),
  )
  platform.background('keep the image budget', async () => {
    await keepImageBudget(platform)
  })
  return version
}

/** What has been set for an app, and for every app. */
async function setFor(
  { id }: App,
  { store }: Platform,
): Promise<{ config: SealedConfig; globalConfig: SealedConfig }> {
  const [config, globalConfig] = await Promise.all([store.apps.config(id), store.globalConfig.get()])
  return { config, globalConfig }
}

/** The app with cache mounts that nothing has written to yet; the engine clears the old ones away in time. */
async function withEmptyCache(app: App, { store }: Platform): Promise<App> {
  const changed = withBuildSettings(app, { cache: randomId('c'), clearCache: undefined })
  await store.apps.save(changed)
  return changed
}

/** At most as many builds as are set run at once, so that they do not starve live apps. */
async function inBuildTurn(
  build: CurrentBuild,
  { platform, report, signal }: DeployContext,
  task: () => Promise<Image>,
): Promise<Image> {
  const { buildConcurrency } = await platform.store.settings.get()
  let waited = false
  const onWait = async (): Promise<void> => {
    waited = true
    report({ type: 'build:waiting', running: buildConcurrency })
    await build.note({ status: 'queued' })
  }
  return platform.builds.inTurn(buildConcurrency, { signal, onWait }, async () => {
    if (waited) await build.note({ status: 'running' })
    return task()
  })
}

/** Releases a new image; one that does not go live is of no use to anybody and goes. */
async function releaseImage(planned: Planned, image: Image, context: DeployContext): Promise<Released> {
  const { engine, store } = context.platform
  const { id } = planned.app
  try {
    const draft = draftFrom(planned, image, await setFor(planned.app, context.platform), store.secrets)
    return await rollOut({ ...draft, newImage: true }, context)
  } catch (error) {
    // Without an answer from Redis it may be live after all: then it stays.
    const releases = await store.releases.list(id).catch(() => undefined)
    const live =
      releases?.some((release) => release.image.tag === image.tag && release.status === 'active') ?? true
    if (!live) await engine.images.remove(image.tag)
    throw error
  }
}

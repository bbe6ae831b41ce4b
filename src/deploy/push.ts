import { join } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { planBuild } from '../build/detect.ts'
import { type BuildPlan } from '../build/plan.ts'
import { type Source, spoolSource } from '../build/source.ts'
import { readCron } from '../cron/entries.ts'
import { type App } from '../model/app.ts'
import { type CronEntry, type Image } from '../model/release.ts'
import { type CurrentBuild, recordBuild } from './build-record.ts'
import { type DeployContext } from './context.ts'
import { draftFrom } from './draft.ts'
import { keepImageBudget } from './image-budget.ts'
import { makeImage } from './image.ts'
import { pruneAfterRelease } from './retention.ts'
import { rollOut } from './roll-out.ts'
import { type Released } from './stages.ts'
import { runPostdeploy } from './task.ts'
import { takeTurn } from './turn.ts'

/** A pushed commit of an app; `archive` is its `git archive` tar, and is read when the app's turn comes. */
export type Push = { app: App; branch: string; commit: string; archive: () => Readable }

/** What is going to be built: nothing has been changed yet. */
export type Planned = {
  app: App
  commit: string
  buildId: string
  source: Source
  plan: BuildPlan
  cron: CronEntry[]
}

/** Push → Plan → Image → Release → Candidates → Healthy → Routed → Retired. */
export async function deploy(push: Push, context: DeployContext): Promise<void> {
  const { platform } = context
  await takeTurn(push.app, 'push', context, (app, turn) =>
    recordBuild(app, push.commit, turn, async (build, context) => {
      const planned = await plan({ ...push, app }, build, context)
      const image = await inBuildTurn(build, context, () => makeImage(planned, context))
      const released = await releaseImage(planned, image, push.branch, context)
      if (app.currentRelease === undefined) await runPostdeploy(released, context)
      await pruneAfterRelease(released.app, context)
      return released.release.version
    }),
  )
  platform.background('keep the image budget', async () => {
    await keepImageBudget(platform)
  })
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
async function releaseImage(
  planned: Planned,
  image: Image,
  branch: string,
  context: DeployContext,
): Promise<Released> {
  const { engine, store } = context.platform
  const { id } = planned.app
  try {
    const draft = draftFrom(planned, image, await store.apps.config(id), store.secrets)
    return await rollOut({ ...draft, newImage: true, change: { ...draft.change, branch } }, context)
  } catch (error) {
    // Without an answer from Redis it may be live after all: then it stays.
    const releases = await store.releases.list(id).catch(() => undefined)
    const live =
      releases?.some((release) => release.image.tag === image.tag && release.status === 'active') ?? true
    if (!live) await engine.images.remove(image.tag)
    throw error
  }
}

async function plan(
  { app, commit, archive }: Push,
  { id: buildId, folder }: CurrentBuild,
  { platform, report, signal }: DeployContext,
): Promise<Planned> {
  report({ type: 'stage:began', stage: 'receive' })
  const source = await receive(archive(), join(folder, 'source.tar'), signal)
  report({ type: 'source:received', commit, files: source.entries.length })
  const built = planBuild(source, { buildpacks: await platform.buildpacks(), ...app.build })
  report({ type: 'build:planned', builder: built.builder, why: built.why })
  for (const text of built.warnings) report({ type: 'warning', text })
  return { app, commit, buildId, source, plan: built, cron: readCron(built.cron) }
}

/** A pusher that stalls is waited for until it goes away; an interrupt ends the wait at once. */
async function receive(archive: Readable, file: string, signal: AbortSignal): Promise<Source> {
  try {
    return await spoolSource(addAbortSignal(signal, archive), file)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

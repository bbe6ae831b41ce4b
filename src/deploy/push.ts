import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable } from 'node:stream'
import { planBuild } from '../build/detect.ts'
import { type BuildPlan } from '../build/plan.ts'
import { type Source, spoolSource } from '../build/source.ts'
import { randomId } from '../lib/ids.ts'
import { type App } from '../model/app.ts'
import { type Image } from '../model/release.ts'
import { type DeployContext } from './context.ts'
import { draftFrom } from './draft.ts'
import { makeImage } from './image.ts'
import { rollOut } from './roll-out.ts'
import { takeTurn } from './turn.ts'

/** A pushed commit of an app; `archive` is its `git archive` tar, and is read when the app's turn comes. */
export type Push = { app: App; branch: string; commit: string; archive: () => Readable }

/** What is going to be built: nothing has been changed yet. */
export type Planned = { app: App; commit: string; buildId: string; source: Source; plan: BuildPlan }

/** Push → Plan → Image → Release → Candidates → Healthy → Routed → Retired. */
export async function deploy(push: Push, context: DeployContext): Promise<void> {
  const { platform } = context
  await takeTurn(push.app, 'push', context, async (app, turn) => {
    const buildId = randomId('b')
    const folder = join(platform.paths.builds, app.id, buildId)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    try {
      const planned = await plan({ ...push, app }, buildId, join(folder, 'source.tar'), turn)
      const image = await makeImage(planned, turn)
      await releaseImage(planned, image, push.branch, turn)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
}

/** Releases a new image; one that does not go live is of no use to anybody and goes. */
async function releaseImage(
  planned: Planned,
  image: Image,
  branch: string,
  context: DeployContext,
): Promise<void> {
  const { engine, store } = context.platform
  const { id } = planned.app
  try {
    const draft = draftFrom(planned, image, await store.apps.config(id), store.secrets)
    await rollOut({ ...draft, change: { ...draft.change, branch } }, context)
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
  buildId: string,
  file: string,
  { platform, report, signal }: DeployContext,
): Promise<Planned> {
  report({ type: 'stage:began', stage: 'receive' })
  const source = await spoolSource(archive(), file)
  signal.throwIfAborted()
  report({ type: 'source:received', commit, files: source.entries.length })
  const built = planBuild(source, { buildpacks: await platform.buildpacks(), ...app.build })
  report({ type: 'build:planned', builder: built.builder, why: built.why })
  for (const text of built.warnings) report({ type: 'warning', text })
  return { app, commit, buildId, source, plan: built }
}

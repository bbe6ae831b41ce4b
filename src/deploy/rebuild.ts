import { type BaseInfo } from '../build/base-image.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Platform } from '../apps/platform.ts'
import { type DeployContext } from './context.ts'
import { deploy } from './push.ts'
import { liveRelease } from './turn.ts'

/**
 * current: on the base of now. old: on an older one, and can be rebuilt. foreign: not on ours (its own FROM).
 * stuck: on an older one, and what it was built from is not here.
 */
export type BaseState = 'current' | 'old' | 'foreign' | 'stuck'

/** Where an app's live image stands towards the base; undefined before its first release. */
export async function baseStateOf(
  platform: Platform,
  app: App,
  base: BaseInfo,
): Promise<BaseState | undefined> {
  const release = await liveRelease({ platform }, app)
  if (release === undefined) return undefined
  const image = await platform.engine.images.inspect(release.image.tag)
  if (image === undefined) return 'stuck'
  if (base.layers.every((layer, index) => image.layers[index] === layer)) return 'current'
  // An app's Dockerfile may have named any image; a buildpack's starts from ours unless base:set says otherwise.
  const foreign = app.build?.base !== undefined || ['dockerfile', 'image'].includes(release.image.builder)
  if (foreign) return 'foreign'
  return release.commit === undefined ? 'stuck' : 'old'
}

/**
 * Builds and deploys a commit that was pushed before, through the same checks and switch as a push; `name` is a branch,
 * a tag or an id, and without it the live commit is built again.
 */
export async function rebuild(
  app: App,
  context: DeployContext,
  name?: string,
): Promise<{ release: number; commit: string }> {
  const { platform } = context
  const commit = name === undefined ? await liveCommit(app, context) : await platform.commitOf(app, name)
  const archive = () => platform.archive(app, commit)
  const release = await deploy({ app, branch: app.branch ?? 'main', commit, archive }, context)
  return { release, commit }
}

async function liveCommit(app: App, context: DeployContext): Promise<string> {
  const release = await liveRelease(context, app)
  if (release?.commit !== undefined) return release.commit
  throw new PaasError('NOT_FOUND', `${app.name} has no release that was built from a commit.`, {
    hint: 'git push paas main',
  })
}

import { type Release } from '../model/release.ts'
import { type DeployContext } from './context.ts'
import { type Draft, type Released } from './stages.ts'

/** Stores the release, before anything of it starts. */
export async function createRelease(
  draft: Draft,
  { platform, report, actor }: DeployContext,
): Promise<Released> {
  report({ type: 'stage:began', stage: 'release' })
  const version = draft.app.lastRelease + 1
  const { limits = {}, checks = {} } = { ...draft.app, ...draft.change }
  const release: Release = {
    version,
    createdAt: platform.now().toISOString(),
    createdBy: actor,
    description: draft.description,
    ...(draft.commit !== undefined && { commit: draft.commit }),
    image: draft.image,
    config: draft.config,
    globalConfig: draft.globalConfig ?? (await platform.store.globalConfig.get()),
    settings: { limits, checks },
    status: 'pending',
  }
  await platform.store.releases.create({ ...draft.app, lastRelease: version }, release)
  report({ type: 'release:created', version, description: release.description })
  return { app: { ...draft.app, ...draft.change, lastRelease: version }, release }
}

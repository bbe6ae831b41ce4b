import { PaasError } from '../errors/paas-error.ts'
import { type Release } from '../model/release.ts'
import { type DeployContext } from './context.ts'
import { environmentOf } from './environment.ts'
import { releaseTask } from './formation.ts'
import { type Draft, type Released } from './stages.ts'

/** Stores the release, before anything of it starts. */
export async function createRelease(
  draft: Draft,
  { platform, report, actor }: DeployContext,
): Promise<Released> {
  report({ type: 'stage:began', stage: 'release' })
  const version = draft.app.lastRelease + 1
  const release: Release = {
    version,
    createdAt: platform.now().toISOString(),
    createdBy: actor,
    description: draft.description,
    ...(draft.commit !== undefined && { commit: draft.commit }),
    image: draft.image,
    config: draft.config,
    status: 'pending',
  }
  await platform.store.releases.create({ ...draft.app, lastRelease: version }, release)
  report({ type: 'release:created', version, description: release.description })
  return { app: { ...draft.app, ...draft.change, lastRelease: version }, release }
}

/** Runs the `release` process type once and waits for it; a failure stops the deploy before anything starts. */
export async function runReleaseTask(released: Released, context: DeployContext): Promise<Released> {
  const { app, release } = released
  const command = release.image.processes[releaseTask]?.command
  if (command === undefined) return released
  const { platform, report, signal } = context
  report({ type: 'release-task:started', command })
  const slot = { type: releaseTask, index: 1 }
  const container = await platform.scheduler.start({
    app,
    release: release.version,
    slot,
    image: release.image.id,
    command,
    env: environmentOf(app, release, slot, platform.store.secrets),
    oneOff: true,
  })
  try {
    for await (const line of platform.scheduler.logs(container.id, { follow: true, signal })) {
      report({ type: 'release-task:line', text: line.text })
    }
    signal.throwIfAborted()
    const { code, oomKilled } = await platform.scheduler.wait(container.id)
    if (code !== 0) {
      throw new PaasError(
        'RELEASE_FAILED',
        `The release task failed with exit code ${code}${oomKilled ? ' (out of memory)' : ''}: ${command}`,
        { hint: 'Its output is above; the release before this one still serves.' },
      )
    }
  } finally {
    await platform.scheduler.remove(container.id, 1)
  }
  return released
}

import { messageOf } from '../errors/paas-error.ts'
import { urlsOf } from '../apps/hosts.ts'
import { removeCandidates, startCandidates } from './candidates.ts'
import { proveHealthy } from './check.ts'
import { type DeployContext } from './context.ts'
import { type Fresh, isWeb } from './formation.ts'
import { createRelease } from './release.ts'
import { retire } from './retire.ts'
import { switchTraffic } from './switch.ts'
import { runReleaseTasks } from './task.ts'
import { type Candidates, type Draft, type Healthy, type Released, type Routed } from './stages.ts'

/**
 * Release → Candidates → Healthy → Routed → Retired: the part of the deploy path that everything which makes
 * a release enters. Before the switch any failure removes the candidates, marks the release failed and is
 * thrown: the old release never stopped serving. Callers hold the app's queue.
 */
export async function rollOut(draft: Draft, context: DeployContext): Promise<Routed> {
  const released = await createRelease(draft, context)
  try {
    await runReleaseTasks(released, context, { newImage: draft.newImage ?? false })
    return await putLive(released, context, { fresh: false })
  } catch (error) {
    // Without Redis this is left to reconcile, which settles what is neither live nor failed.
    await fail(released, error, context).catch(() => undefined)
    throw error
  }
}

/**
 * Candidates → Healthy → Routed → Retired for a release that is stored: what `scale`, restarts and recovery
 * enter. `fresh` replaces the containers that run already.
 */
export async function putLive(
  released: Released,
  context: DeployContext,
  options: { fresh: Fresh },
): Promise<Routed> {
  context.report({ type: 'stage:began', stage: 'create' })
  const candidates = await startCandidates(released, context, options)
  const healthy = await whenHealthy(candidates, context)
  const routed = await switchTraffic(healthy, context)
  // The push is answered as soon as traffic is switched; should we die now, reconcile retires the rest.
  context.platform.background(`retire containers of ${routed.app.name}`, () => retire(routed, context))
  const running = [...healthy.kept, ...healthy.started]
  // Where all was stopped, nothing came live.
  if (running.length > 0 || released.app.currentRelease !== released.release.version) {
    context.report({
      type: 'deployed',
      version: routed.release.version,
      urls: running.some(isWeb) ? urlsOf(routed.app, context.platform.instance) : [],
    })
  }
  return routed
}

/** A candidate that fails takes all of them with it. */
async function whenHealthy(candidates: Candidates, context: DeployContext): Promise<Healthy> {
  try {
    return await proveHealthy(candidates, context)
  } catch (error) {
    await removeCandidates(candidates.started, context)
    throw error
  }
}

/** Marks the release failed, unless it went live after all: then a lost answer is what failed. */
async function fail(
  { app, release }: Released,
  error: unknown,
  { platform, stageTimes }: DeployContext,
): Promise<void> {
  const now = await platform.store.apps.get(app.id)
  if (now?.currentRelease === release.version) return
  const reason = messageOf(error)
  await platform.store.releases.save(app.id, {
    ...release,
    status: 'failed',
    reason,
    stages: stageTimes?.() ?? {},
  })
}

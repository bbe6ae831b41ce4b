import { own } from '../lib/own.ts'
import { type Container, type Slot } from '../schedulers/scheduler.ts'
import { specOf } from './container-spec.ts'
import { type DeployContext } from './context.ts'
import { type Fresh, planContainers, slotsOf } from './formation.ts'
import { type Candidates, type Released } from './stages.ts'

/**
 * Starts what the formation wants and does not run yet, beside what runs. If one cannot start, those that
 * did are removed and the first error is thrown.
 */
export async function startCandidates(
  released: Released,
  context: DeployContext,
  options: { fresh: Fresh },
): Promise<Candidates> {
  const { app, release } = released
  const { scheduler } = context.platform
  const actual = await scheduler.list(app.id)
  const plan = planContainers(slotsOf(app, release.image), release.version, actual, options)
  const results = await Promise.allSettled(plan.create.map((slot) => startOne(released, slot, context)))
  const started = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    await removeCandidates(started, context)
    throw failed.reason
  }
  return { ...released, started, kept: plan.keep, outgoing: plan.retire }
}

/** Starts the container of one slot. */
export async function startOne(released: Released, slot: Slot, context: DeployContext): Promise<Container> {
  const { platform, report, signal } = context
  signal.throwIfAborted()
  const command = own(released.release.image.processes, slot.type)?.command
  const container = await platform.scheduler.start(await specOf(released, slot, platform, { command }))
  report({ type: 'container:started', name: container.name })
  return container
}

/** Takes back candidates that never got traffic: nothing waits for them, so their grace is short. */
export async function removeCandidates(
  containers: Container[],
  { platform }: Pick<DeployContext, 'platform'>,
): Promise<void> {
  await Promise.all(containers.map(({ id }) => platform.scheduler.remove(id, 1)))
}

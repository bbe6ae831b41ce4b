import { type DeployContext } from './context.ts'
import { type Routed } from './stages.ts'

/** Seconds that requests in flight may take before their container is stopped all the same. */
export const defaultWaitToRetire = 30
/** Seconds between SIGTERM and SIGKILL, as Heroku has it. */
export const defaultStopTimeout = 30

/** Stops what no longer gets traffic, after the requests it still answers. */
export async function retire(
  routed: Pick<Routed, 'app' | 'outgoing' | 'routeVersion' | 'retiredBackends'>,
  { platform, report }: DeployContext,
): Promise<void> {
  report({ type: 'stage:began', stage: 'drain' })
  if (routed.retiredBackends.length > 0) {
    await platform.store.routes.awaitSwitch({
      version: routed.routeVersion,
      backends: routed.retiredBackends,
      drainTimeoutMs: (routed.app.waitToRetire ?? defaultWaitToRetire) * 1000,
    })
  }
  report({ type: 'stage:began', stage: 'retire' })
  await Promise.all(
    routed.outgoing.map(async ({ id, name }) => {
      await platform.scheduler.remove(id, routed.app.stopTimeout ?? defaultStopTimeout)
      report({ type: 'container:retired', name })
    }),
  )
  report({ type: 'stage:began', stage: 'done' })
}

import { hostsOf } from '../apps/hosts.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Release } from '../model/release.ts'
import { type Route } from '../model/route.ts'
import { type Container } from '../schedulers/scheduler.ts'
import { type Switch } from '../store/switch.ts'
import { removeCandidates } from './candidates.ts'
import { type DeployContext } from './context.ts'
import { configOf, portOf } from './environment.ts'
import { isWeb } from './formation.ts'
import { type Healthy, type Routed } from './stages.ts'

/**
 * Puts the release live: its routes and its being the current one are one transaction, so whatever happens,
 * state and traffic agree. Then waits until every router worker serves by the new table.
 */
export async function switchTraffic(healthy: Healthy, context: DeployContext): Promise<Routed> {
  const { release, outgoing } = healthy
  const { platform, report } = context
  report({ type: 'stage:began', stage: 'switch' })
  const { change, retiredBackends } = await prepare(healthy, context)
  const routeVersion = await commit(healthy, context, () => platform.store.switchTo(change))
  report({ type: 'stage:began', stage: 'acknowledge' })
  const { workers } = await platform.store.routes.awaitApplied(routeVersion)
  report({
    type: 'route:switched',
    hosts: change.routes.map(({ host }) => host),
    backends: change.routes[0]?.backends.length ?? 0,
    workers,
  })
  return { app: change.app, release, outgoing, routeVersion, retiredBackends }
}

/** All that the switch needs to know; an abort or a failure here takes the candidates back. */
async function prepare(
  healthy: Healthy,
  context: DeployContext,
): Promise<{ change: Switch; retiredBackends: string[] }> {
  const { app, release, kept, started, outgoing } = healthy
  const { platform, signal } = context
  const { secrets } = platform.store
  try {
    const previous = await previousOf(app, release, context)
    signal.throwIfAborted()
    const port = portOf(release, configOf(app, release, secrets))
    const oldPort = previous === undefined ? port : portOf(previous, configOf(app, previous, secrets))
    const live = { ...app, currentRelease: release.version }
    const isNew = app.currentRelease !== release.version
    return {
      change: {
        app: live,
        releases: [
          { ...release, status: 'active', ...(isNew && { stages: context.stageTimes?.() ?? {} }) },
          ...(previous === undefined ? [] : [{ ...previous, status: 'superseded' as const }]),
        ],
        routes: routesOf(live, [...kept, ...started], port, platform.instance.domain),
        ...(isNew && { config: release.config }),
      },
      retiredBackends: outgoing.flatMap((container) => backendOf(container, oldPort)),
    }
  } catch (error) {
    await removeCandidates(started, context)
    throw error
  }
}

/** The release that is replaced; undefined where there is none, or the release only changes its formation. */
async function previousOf(
  app: App,
  release: Release,
  { platform }: DeployContext,
): Promise<Release | undefined> {
  if (app.currentRelease === undefined || app.currentRelease === release.version) return undefined
  return platform.store.releases.get(app.id, app.currentRelease)
}

/**
 * The one step that cannot be half done. When Redis refuses it, the candidates go; when no answer came, it
 * may or may not have happened, so nothing is removed and reconcile follows what Redis says.
 */
async function commit(
  healthy: Healthy,
  context: DeployContext,
  change: () => Promise<number>,
): Promise<number> {
  try {
    return await change()
  } catch (error) {
    const unknown = error instanceof PaasError && error.code === 'STATE_UNREACHABLE'
    if (!unknown) await removeCandidates(healthy.started, context)
    throw error
  }
}

/** The routes of an app whose containers these are: each host to every running web container. */
export function routesOf(app: App, containers: Container[], port: number, baseDomain: string): Route[] {
  const backends = containers.filter(isWeb).flatMap((container) => backendOf(container, port))
  return hostsOf(app, baseDomain).map((host) => ({ host, identifier: app.name, backends }))
}

/** The URL of a running web container; none for any other. */
export function backendOf(container: Container, port: number): string[] {
  return isWeb(container) && container.address !== undefined ? [`http://${container.address}:${port}`] : []
}

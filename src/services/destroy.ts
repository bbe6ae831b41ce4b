import { type Platform } from '../apps/platform.ts'
import { changeConfig } from '../deploy/config.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { networkOf, type Service } from '../model/service.ts'
import { containersOf, removeContainer, type Role } from './container.ts'
import { type ServiceContext } from './context.ts'
import { serviceTurn } from './find.ts'
import { linkOf, removalOf } from './unlink.ts'

const roles: Role[] = ['exposure', 'throwaway', 'server']

/** Removes a service with its containers, network and volumes for good; its backups stay. */
export async function removeAll(service: Service, platform: Platform): Promise<void> {
  const { engine, instance, store } = platform
  // State goes first: a service that is half gone must not come back by reconcile.
  await store.services.remove(service)
  for (const role of roles) {
    for (const id of await containersOf(platform, service, role)) await removeContainer(platform, id, 5)
  }
  const network = networkOf(instance.name, service.id)
  for (const id of await engine.networks.members(network)) await engine.networks.disconnect(network, id)
  await engine.networks.remove(network)
  const labels = [`paas.instance=${instance.name}`, `paas.service=${service.id}`]
  for (const volume of await engine.volumes.list(labels)) await engine.volumes.remove(volume)
}

/**
 * Destroys a service. Throws SERVICE_IN_USE while apps are linked to it, unless forced: then their config vars go
 * with their next release.
 */
export async function destroyService(
  service: Service,
  { force }: { force: boolean },
  context: ServiceContext,
): Promise<void> {
  await serviceTurn(service, 'services:destroy', context, async (current) => {
    const { platform } = context
    const users = await appsOf(current, platform)
    if (users.length > 0 && !force) {
      throw new PaasError(
        'SERVICE_IN_USE',
        `${current.name} is in use by ${users.map(({ name }) => name).join(', ')}.`,
        {
          hint: `Unlink it first, or: paas services:destroy ${current.name} --force`,
        },
      )
    }
    for (const app of users) {
      const change = await removalOf(current, linkOf(current, app), app, context)
      await changeConfig(app, change, context, { restart: false })
    }
    await removeAll(current, platform)
  })
}

/** The apps that are linked to a service; a link outlives an app that was destroyed, so those are left out. */
export async function appsOf(service: Service, { store }: Platform): Promise<App[]> {
  const apps = await Promise.all(service.links.map(({ app }) => store.apps.get(app)))
  return apps.filter((app) => app !== undefined)
}

import { changeConfig, type ConfigChange } from '../deploy/config.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { networkOf, type Link, type Service } from '../model/service.ts'
import { type ServiceContext } from './context.ts'
import { serviceTurn } from './find.ts'
import { dropOwn, variablesOf } from './link.ts'

/**
 * Takes a service from an app: its config vars in one release, then its way there on the network, and a database
 * of its own with `dropDatabase`. Vars that hold something else by now stay. Throws NOT_FOUND without a link.
 */
export async function unlinkService(
  service: Service,
  app: App,
  options: { restart: boolean; dropDatabase: boolean },
  context: ServiceContext,
): Promise<{ names: string[]; release?: number }> {
  return serviceTurn(service, 'services:unlink', context, async (current) => {
    const link = linkOf(current, app)
    if (link.own !== undefined && !options.dropDatabase) {
      throw new PaasError(
        'SERVICE_IN_USE',
        `${app.name} has a database of its own in ${current.name}, which would go.`,
        {
          hint: `Say so: paas services:unlink ${current.name} -a ${app.name} --drop-database`,
        },
      )
    }
    const { services } = context.platform.store
    const change = await removalOf(current, link, app, context)
    // The release that comes must not have the network any more.
    const unlinked = { ...current, links: current.links.filter((other) => other !== link) }
    await services.save(unlinked)
    try {
      const { release } = await changeConfig(app, change, context, options)
      if (options.restart) await leaveNetwork(current, app, context)
      await dropOwn(current, link, context)
      return { names: Object.keys(change), ...(release !== undefined && { release }) }
    } catch (error) {
      await services.save(current)
      throw error
    }
  })
}

/** The link of an app. Throws NOT_FOUND. */
export function linkOf(service: Service, app: App): Link {
  const link = service.links.find((other) => other.app === app.id)
  if (link !== undefined) return link
  throw new PaasError('NOT_FOUND', `${app.name} is not linked to ${service.name}.`, {
    hint: `paas services:info ${service.name}`,
  })
}

/** Unsets the vars of a link that still hold its value. */
export async function removalOf(
  service: Service,
  link: Link,
  app: App,
  context: ServiceContext,
): Promise<ConfigChange> {
  const { apps, secrets } = context.platform.store
  const config = secrets.openAll(app.id, await apps.config(app.id))
  const values = Object.entries(variablesOf(service, link, context))
  return Object.fromEntries(
    values.filter(([name, value]) => config[name] === value).map(([name]) => [name, undefined]),
  )
}

/** Containers of before may finish requests for a while; the service is out of their reach at once. */
async function leaveNetwork(service: Service, app: App, { platform }: ServiceContext): Promise<void> {
  const network = networkOf(platform.instance.name, service.id)
  const members = new Set(await platform.engine.networks.members(network))
  for (const { id } of await platform.scheduler.list(app.id)) {
    if (members.has(id)) await platform.engine.networks.disconnect(network, id)
  }
}

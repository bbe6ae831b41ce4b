import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { type Domain } from '../model/names.ts'
import { refuseTakenHost } from './host-owner.ts'
import { hostsOf } from './hosts.ts'
import { moveHosts } from './move-hosts.ts'
import { type Platform } from './platform.ts'
import { appQueue, type Asker } from './queue.ts'

/** Routes more hosts to an app; those it has already are fine. Throws DOMAIN_TAKEN, and then adds none. */
export async function addDomains(
  platform: Platform,
  app: App,
  domains: Domain[],
  asker: Asker,
): Promise<App> {
  const who = { ...asker, verb: 'domains:add' }
  return appQueue(platform, app, who, (current) =>
    platform.queues.run('names', who, async () => {
      const own = hostsOf(current, platform.instance.domain)
      const added = [...new Set(domains)].filter((domain) => !own.includes(domain))
      for (const domain of added) await refuseTakenHost(platform, domain)
      const changed = { ...current, domains: [...current.domains, ...added] }
      await moveHosts(platform, current, changed)
      return changed
    }),
  )
}

/** Stops routing hosts to an app. Throws NOT_FOUND for a domain that it does not have, and then removes none. */
export async function removeDomains(
  platform: Platform,
  app: App,
  domains: Domain[],
  asker: Asker,
): Promise<App> {
  return appQueue(platform, app, { ...asker, verb: 'domains:remove' }, async (current) => {
    const unknown = domains.find((domain) => !current.domains.includes(domain))
    if (unknown !== undefined) {
      throw new PaasError('NOT_FOUND', `${unknown} is not a domain of ${current.name}.`, {
        hint: `paas domains:list -a ${current.name}`,
      })
    }
    const changed = { ...current, domains: current.domains.filter((domain) => !domains.includes(domain)) }
    await moveHosts(platform, current, changed)
    return changed
  })
}

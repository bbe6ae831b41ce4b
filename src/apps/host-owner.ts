import { PaasError } from '../errors/paas-error.ts'
import { type App } from '../model/app.ts'
import { hostsOf } from './hosts.ts'
import { type Platform } from './platform.ts'

/** Who answers on a host: an app, or a route that somebody added by hand. */
export type HostOwner = { app: App } | { app: undefined }

/** Whose a host is, or is to be; undefined where it is free. */
export async function hostOwner(
  { store, instance }: Pick<Platform, 'store' | 'instance'>,
  host: string,
): Promise<HostOwner | undefined> {
  const app = (await store.apps.list()).find((one) => hostsOf(one, instance.domain).includes(host))
  if (app !== undefined) return { app }
  const isFree =
    (await store.routes.get(host)) === undefined && (await store.routes.spellings(host)).length === 0
  return isFree ? undefined : { app: undefined }
}

/** Throws DOMAIN_TAKEN, with the command that frees the host, where somebody else has it. */
export async function refuseTakenHost(platform: Platform, host: string): Promise<void> {
  const owner = await hostOwner(platform, host)
  if (owner === undefined) return
  if (owner.app === undefined) {
    throw new PaasError('DOMAIN_TAKEN', `${host} has a route that was added by hand.`, {
      hint: `Take it away first: paas routes:remove ${host}`,
    })
  }
  throw new PaasError('DOMAIN_TAKEN', `${host} belongs to the app ${owner.app.name}.`, {
    hint: owner.app.domains.includes(host)
      ? `Take it away there first: paas domains:remove -a ${owner.app.name} ${host}`
      : `Every app has its own name's host: paas apps:rename -a ${owner.app.name} NAME`,
  })
}

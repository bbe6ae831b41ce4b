import { type Link, type Service } from '../model/service.ts'
import { type Secrets } from '../store/secrets.ts'
import { type Access } from './service.ts'

/** Who the service itself lets in. */
export function accessOf(service: Service, secrets: Secrets): Access {
  const { PASSWORD: password = '', ADMIN: admin = '' } = secrets.openAll(service.id, service.secrets)
  return { user: service.user, database: service.database, password, admin }
}

/** Who an app gets in as: the service's own user, or the app's where it has a database of its own. */
export function accessOfLink(service: Service, link: Link, secrets: Secrets): Access {
  const access = accessOf(service, secrets)
  if (link.own === undefined) return access
  const password = secrets.open(service.id, ownSecret(link), link.own.password)
  return { ...access, user: link.own.user, database: link.own.database, password }
}

/** Under what name the password of an app's own user is sealed. */
export const ownSecret = (link: Pick<Link, 'app'>): string => `OWN_${link.app}`

/** Every database of a server: the service's, then those of apps with their own. */
export function allAccess(service: Service, secrets: Secrets): Access[] {
  const owners = service.links.filter(({ own }) => own !== undefined)
  return [accessOf(service, secrets), ...owners.map((link) => accessOfLink(service, link, secrets))]
}

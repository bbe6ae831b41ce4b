import { PaasError } from '../errors/paas-error.ts'
import { type Access, accessLevels, type Identity } from '../model/key.ts'

/** The least role that includes the one that is needed. */
const includes = (role: Access, needed: Access): boolean =>
  accessLevels.indexOf(role) >= accessLevels.indexOf(needed)

/** Whether `identity` may do what needs `access`, on this app or, without one, on the server as a whole. */
export function mayUse(identity: Identity, access: Access, app?: { name: string }): boolean {
  if (identity.via === 'root') return true
  const { role, apps } = identity.key
  if (!includes(role, access)) return false
  if (apps === undefined) return true
  // A key of some apps sees lists (which show only its own), but changes nothing beyond them.
  return app === undefined ? access === 'read' : apps.some((name) => name === app.name)
}

/**
 * The one place where it is decided who may do what: throws FORBIDDEN. It is asked before an app is looked up,
 * so an app that does not exist and one of somebody else's give a scoped key the same answer.
 */
export function authorise(identity: Identity, access: Access, app?: { name: string }): void {
  if (identity.via === 'root' || mayUse(identity, access, app)) return
  const { name, role, apps } = identity.key
  if (!includes(role, access)) {
    throw new PaasError('FORBIDDEN', `This needs the role ${access}; the key ${name} has the role ${role}.`, {
      hint: `An admin gives it one: paas keys:add ${name} KEYFILE --role ${access}, after keys:remove ${name}.`,
    })
  }
  const own = (apps ?? []).join(', ')
  const what =
    app === undefined ? 'is not for the server as a whole' : `may not use ${JSON.stringify(app.name)}`
  throw new PaasError('FORBIDDEN', `The key ${name} ${what}; its apps are: ${own === '' ? 'none' : own}.`)
}

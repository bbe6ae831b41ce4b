import { PaasError } from '../errors/paas-error.ts'
import { type App, Mount } from '../model/app.ts'
import { type Platform } from './platform.ts'

/** `uploads:/app/uploads`. Throws INVALID_INPUT. */
export function parseMount(text: string): Mount {
  const colon = text.indexOf(':')
  const mount = Mount.safeParse({ name: text.slice(0, Math.max(0, colon)), path: text.slice(colon + 1) })
  if (colon > 0 && mount.success) return mount.data
  const problem = colon > 0 ? `: ${mount.error!.issues[0]!.message}` : ''
  throw new PaasError('INVALID_INPUT', `${JSON.stringify(text.slice(0, 128))} is not NAME:/path${problem}.`, {
    hint: 'For example: paas storage:mount blog uploads:/app/uploads',
  })
}

/** Pure. The mounts with one more. Throws INVALID_INPUT where something is mounted at the path, or around it. */
export function withMount(app: App, mount: Mount): Mount[] {
  const mounts = app.mounts ?? []
  const other = mounts.find(
    ({ path }) => `${path}/`.startsWith(`${mount.path}/`) || `${mount.path}/`.startsWith(`${path}/`),
  )
  if (other === undefined) return [...mounts, mount]
  throw new PaasError('INVALID_INPUT', `${other.name} is mounted at ${other.path} already.`, {
    hint: `paas storage:unmount ${app.name} ${other.name}:${other.path}`,
  })
}

/** Pure. The mounts without one. Throws NOT_FOUND. */
export function withoutMount(app: App, { name, path }: Mount): Mount[] {
  const mounts = app.mounts ?? []
  const rest = mounts.filter((mount) => mount.name !== name || mount.path !== path)
  if (rest.length < mounts.length) return rest
  throw new PaasError('NOT_FOUND', `${app.name} has no ${name} at ${path}.`, {
    hint: `What it has: paas storage:list ${app.name}`,
  })
}

/** Removes all volumes of an app. They must not be in use any more. */
export async function removeVolumes({ engine, instance }: Platform, app: Pick<App, 'id'>): Promise<void> {
  for (const volume of await engine.volumes.list([`paas.instance=${instance.name}`, `paas.app=${app.id}`])) {
    await engine.volumes.remove(volume)
  }
}

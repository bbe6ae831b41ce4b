import { type Platform } from '../apps/platform.ts'
import { type App, mountVolume } from '../model/app.ts'
import { networkOf } from '../model/service.ts'
import { type ContainerSpec } from '../schedulers/scheduler.ts'

/** What every container of an app is attached to: the networks of its services, and its storage. */
export async function attachmentsOf(
  app: Pick<App, 'id' | 'mounts'>,
  { engine, instance, store }: Platform,
): Promise<Required<Pick<ContainerSpec, 'networks' | 'volumes'>>> {
  const services = await store.services.ofApp(app.id)
  const volumes = (app.mounts ?? []).map(({ name, path }) => ({
    volume: mountVolume(instance.name, app.id, name),
    path,
  }))
  const labels = { 'paas.instance': instance.name, 'paas.app': app.id }
  for (const { volume } of volumes) await engine.volumes.ensure(volume, labels)
  return { networks: services.map(({ id }) => networkOf(instance.name, id)), volumes }
}

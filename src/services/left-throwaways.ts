import { type Platform } from '../apps/platform.ts'
import { type Service, volumeOf } from '../model/service.ts'
import { removeContainer } from './container.ts'
import { thisRun } from './throwaway.ts'

/** Removes the throwaway containers, with their volumes, that a controller left behind when it died. */
export async function removeLeftThrowaways(platform: Platform): Promise<void> {
  const { engine, instance } = platform
  const labels = [`paas.instance=${instance.name}`, 'paas.role=throwaway']
  for (const id of await engine.containers.list(labels)) {
    const state = await engine.containers.inspect(id)
    if (state !== undefined && state.labels['paas.run'] !== thisRun) await removeContainer(platform, id, 1)
  }
  const ours = new Set(await engine.volumes.list([...labels, `paas.run=${thisRun}`]))
  const used = new Set(
    (await platform.store.services.list()).flatMap((service) => kept(instance.name, service)),
  )
  for (const volume of await engine.volumes.list(labels)) {
    if (!ours.has(volume) && !used.has(volume)) await engine.volumes.remove(volume)
  }
}

function kept(instanceName: string, { id, current, previous }: Service): string[] {
  return [current, ...(previous ? [previous] : [])].map(({ number }) => volumeOf(instanceName, id, number))
}

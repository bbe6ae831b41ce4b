import { AppId, ProcessType } from '../../model/names.ts'
import { type Container, type ContainerSpec } from '../scheduler.ts'

/** What a container is, on the container itself: after any crash the engine alone can tell. */
export function labels(
  instanceName: string,
  spec: ContainerSpec,
  options: { attached: boolean },
): Record<string, string> {
  return {
    'paas.instance': instanceName,
    'paas.app': spec.app.id,
    'paas.release': String(spec.release),
    'paas.type': spec.slot.type,
    'paas.index': String(spec.slot.index),
    ...(spec.oneOff === true && { 'paas.one-off': 'true' }),
    ...(options.attached && { 'paas.attached': 'true' }),
  }
}

export function parseLabels(
  found: Record<string, string>,
): Pick<Container, 'appId' | 'release' | 'slot' | 'oneOff' | 'attached'> {
  return {
    appId: AppId.parse(found['paas.app']),
    release: Number(found['paas.release']),
    slot: { type: ProcessType.parse(found['paas.type']), index: Number(found['paas.index']) },
    oneOff: found['paas.one-off'] === 'true',
    attached: found['paas.attached'] === 'true',
  }
}

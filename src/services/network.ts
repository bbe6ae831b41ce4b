import { type Platform } from '../apps/platform.ts'
import { PaasError } from '../errors/paas-error.ts'
import { networkOf, type Service } from '../model/service.ts'
import { freeServiceSubnet, serviceInterface } from '../lib/service-network.ts'

/** Makes the network that only the service and the apps that are linked to it are on. */
export async function ensureNetwork(platform: Platform, service: Service): Promise<string> {
  const { engine, instance, queues } = platform
  const name = networkOf(instance.name, service.id)
  // One at a time, or two services would find the same addresses free.
  await queues.run('service networks', { owner: 'paas', verb: 'network' }, async () => {
    const offset = Number.parseInt(service.id.slice(1, 6), 36)
    const subnet = freeServiceSubnet(await engine.networks.subnets(), offset)
    if (subnet === undefined) {
      throw new PaasError('SERVICE_FAILED', 'All 512 networks for services are taken.', {
        hint: 'Destroy services that nobody uses: paas services:list',
      })
    }
    await engine.networks.ensureInternal({
      name,
      interfaceName: serviceInterface(instance.name, service.id),
      subnet,
      labels: { 'paas.instance': instance.name, 'paas.service': service.id },
    })
  })
  return name
}

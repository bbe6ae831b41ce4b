import { setTimeout as sleep } from 'node:timers/promises'
import { type Engine, openEngine } from '../docker/engine.ts'
import { PaasError } from '../errors/paas-error.ts'
import { serviceInterfaces } from '../lib/service-network.ts'
import { type Instance } from '../model/instance.ts'
import { guardHost } from '../network/firewall.ts'

/** Milliseconds in which an engine that has just come up is prepared. */
const preparationLimit = 10_000

/**
 * The engine of an instance, on which no container is made before `prepare` has brought it to where containers can
 * run: its API version, the bridge, the firewall. `prepare` resolves to the engine's version, and is called again
 * whenever the engine was away.
 */
export function preparedEngine(instance: Instance): { engine: Engine; prepare: () => Promise<string> } {
  const { bridge, subnet } = instance.network
  const prepared = Promise.withResolvers<void>()
  const engine = openEngine(instance.dockerSocket, async () => {
    await Promise.race([prepared.promise, refuseLater()])
    // A network that nothing uses at the moment is gone after `docker system prune`.
    await ensureBridge()
  })
  const ensureBridge = (): Promise<void> =>
    engine.networks.ensureBridge({ name: bridge, subnet, labels: { 'paas.instance': instance.name } })
  return {
    engine,
    async prepare() {
      const version = await engine.negotiate()
      await ensureBridge()
      await guardHost(bridge)
      await guardHost(serviceInterfaces(instance.name))
      prepared.resolve()
      return version
    },
  }
}

async function refuseLater(): Promise<never> {
  await sleep(preparationLimit, undefined, { ref: false })
  throw new PaasError('DOCKER_UNREACHABLE', 'Docker is not ready to run containers.', {
    hint: '`paas doctor` looks at every part. Try again in a moment.',
  })
}

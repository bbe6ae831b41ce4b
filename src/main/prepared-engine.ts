import { setTimeout as sleep } from 'node:timers/promises'
import { rotateAddresses } from '../docker/addresses.ts'
import { type Engine, openEngine } from '../docker/engine.ts'
import { PaasError } from '../errors/paas-error.ts'
import { serviceInterfaces } from '../lib/service-network.ts'
import { parseSubnet } from '../lib/subnet.ts'
import { type Instance } from '../model/instance.ts'
import { guardHost } from '../network/firewall.ts'

/** Milliseconds in which an engine that has just come up is prepared, and routers have forgotten what ran before. */
const preparationLimit = 20_000

export type PreparedEngine = {
  engine: Engine
  /**
   * Brings the engine to where containers can run: its API version, the bridge, the firewall. Called whenever the
   * engine was away; resolves to its version.
   */
  prepare: () => Promise<string>
  /** From now on containers are made; what wants one before waits. */
  admit: () => void
}

/** The engine of an instance, which makes containers on our own terms. */
export function preparedEngine(instance: Instance): PreparedEngine {
  const { bridge, subnet } = instance.network
  const ready = Promise.withResolvers<void>()
  const engine = openEngine(instance.dockerSocket, async (network) => {
    await Promise.race([ready.promise, refuseLater()])
    if (network !== bridge) return undefined
    // It is gone after `docker system prune`, where nothing used it at the moment.
    await ensureBridge()
    return nextAddress()
  })
  const nextAddress = rotateAddresses(parseSubnet(subnet)!, () => engine.networks.addresses(bridge))
  const ensureBridge = (): Promise<void> =>
    engine.networks.ensureBridge({ name: bridge, subnet, labels: { 'paas.instance': instance.name } })
  return {
    engine,
    async prepare() {
      const version = await engine.negotiate()
      await ensureBridge()
      await guardHost(bridge)
      await guardHost(serviceInterfaces(instance.name))
      return version
    },
    admit: ready.resolve,
  }
}

async function refuseLater(): Promise<never> {
  await sleep(preparationLimit, undefined, { ref: false })
  throw new PaasError('DOCKER_UNREACHABLE', 'Docker is not ready to run containers.', {
    hint: '`paas doctor` looks at every part. Try again in a moment.',
  })
}

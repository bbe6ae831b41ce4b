import type Dockerode from 'dockerode'
import { dockerCall } from './call.ts'

/** Where a container is on a network; the address is empty while it does not run. */
type Place = { IPAddress: string; IPAMConfig?: { IPv4Address?: string } | null }

export type Networks = ReturnType<typeof networks>

export function networks(docker: Dockerode) {
  async function ensure(options: Dockerode.NetworkCreateOptions): Promise<void> {
    const { Name: name } = options
    const found = await dockerCall(
      `inspect network ${name}`,
      () => docker.getNetwork(name).inspect() as Promise<object>,
      { missing: undefined },
    )
    if (found !== undefined) return
    await dockerCall(`create network ${name}`, () =>
      docker.createNetwork({ ...options, CheckDuplicate: true, Driver: 'bridge' }),
    )
  }

  return {
    /** Makes the bridge on which the router reaches containers and containers do not reach each other. */
    async ensureBridge(options: {
      name: string
      subnet: string
      labels: Record<string, string>
    }): Promise<void> {
      await ensure({
        Name: options.name,
        Labels: options.labels,
        IPAM: { Config: [{ Subnet: options.subnet }] },
        Options: {
          'com.docker.network.bridge.name': options.name,
          'com.docker.network.bridge.enable_icc': 'false',
        },
      })
    },

    /**
     * Makes a network without a way out, on a host interface of the given name, whose containers reach each
     * other. The engine chooses the addresses unless `subnet` does.
     */
    async ensureInternal(options: {
      name: string
      interfaceName: string
      subnet?: string
      labels: Record<string, string>
    }): Promise<void> {
      await ensure({
        Name: options.name,
        Internal: true,
        Labels: options.labels,
        ...(options.subnet !== undefined && { IPAM: { Config: [{ Subnet: options.subnet }] } }),
        Options: { 'com.docker.network.bridge.name': options.interfaceName },
      })
    },

    /** Subnets in CIDR form of all networks of the engine, ours or not. */
    async subnets(): Promise<string[]> {
      const found = await dockerCall('list networks', () => docker.listNetworks())
      return found.flatMap(({ IPAM }) => (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []))
    },

    /** Addresses in a network of all containers, running or not. */
    async addresses(name: string): Promise<string[]> {
      const found = await dockerCall(`list containers on network ${name}`, () =>
        docker.listContainers({ all: true, filters: { network: [name] } }),
      )
      return found.flatMap(({ NetworkSettings }) => {
        const at = NetworkSettings.Networks[name] as Place | undefined
        return [at?.IPAddress, at?.IPAMConfig?.IPv4Address].flatMap((address) => address || [])
      })
    },

    /** Joins a container, running or not, to one more network. */
    connect: (name: string, containerId: string): Promise<unknown> =>
      dockerCall(
        `connect to network ${name}`,
        () => docker.getNetwork(name).connect({ Container: containerId }) as Promise<unknown>,
      ),

    /** Takes a container out of a network. No error if it is in it no more. */
    async disconnect(name: string, containerId: string): Promise<void> {
      await dockerCall(
        `disconnect from network ${name}`,
        () => docker.getNetwork(name).disconnect({ Container: containerId, Force: true }) as Promise<unknown>,
        { missing: undefined },
      )
    },

    /** Ids of the containers that are in a network. */
    async members(name: string): Promise<string[]> {
      const found = await dockerCall(
        `inspect network ${name}`,
        () => docker.getNetwork(name).inspect() as Promise<{ Containers?: Record<string, unknown> }>,
        { missing: undefined },
      )
      return Object.keys(found?.Containers ?? {})
    },

    remove: (name: string): Promise<unknown> =>
      dockerCall(`remove network ${name}`, () => docker.getNetwork(name).remove() as Promise<unknown>, {
        missing: undefined,
      }),
  }
}

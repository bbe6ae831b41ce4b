import type Dockerode from 'dockerode'
import { dockerCall } from './engine.ts'

export type Networks = ReturnType<typeof networks>

export function networks(docker: Dockerode) {
  return {
    /** Makes the bridge on which the router reaches containers and containers do not reach each other. */
    async ensureBridge(options: {
      name: string
      subnet: string
      labels: Record<string, string>
    }): Promise<void> {
      const found = await dockerCall(
        `inspect network ${options.name}`,
        () => docker.getNetwork(options.name).inspect() as Promise<object>,
        { missing: undefined },
      )
      if (found !== undefined) return
      await dockerCall(`create network ${options.name}`, () =>
        docker.createNetwork({
          Name: options.name,
          CheckDuplicate: true,
          Driver: 'bridge',
          Labels: options.labels,
          IPAM: { Config: [{ Subnet: options.subnet }] },
          Options: {
            'com.docker.network.bridge.name': options.name,
            'com.docker.network.bridge.enable_icc': 'false',
          },
        }),
      )
    },

    remove: (name: string): Promise<unknown> =>
      dockerCall(`remove network ${name}`, () => docker.getNetwork(name).remove() as Promise<unknown>, {
        missing: undefined,
      }),
  }
}

import { type Engine } from '../docker/engine.ts'
import { parseSubnet, type Subnet } from '../lib/subnet.ts'

/** The IPv4 networks that Docker has given out. */
export async function dockerSubnets({ docker }: Engine): Promise<Subnet[]> {
  const networks = await docker.listNetworks()
  return networks.flatMap((network) =>
    (network.IPAM?.Config ?? []).flatMap((pool) => parseSubnet(pool.Subnet ?? '') ?? []),
  )
}

/**
 * Removes everything in Docker that bears the label of this instance: containers and networks, and unless
 * `keepData` images and volumes. The base and the images of services are every instance's: the last one takes them along.
 */
export async function removeDockerObjects(
  { docker }: Engine,
  name: string,
  keepData: boolean,
): Promise<void> {
  const filters = { label: [`paas.instance=${name}`] }
  const containers = await docker.listContainers({ all: true, filters })
  await Promise.all(
    containers.map(({ Id }) => attempt(docker.getContainer(Id).remove({ force: true, v: true }))),
  )
  const networks = await docker.listNetworks({ filters })
  await Promise.all(networks.map(({ Id }) => attempt(docker.getNetwork(Id).remove())))
  if (keepData) return
  const images = await docker.listImages({ filters: { label: ['paas.instance'] } })
  const last = !(await othersThere({ docker }, name))
  for (const { Id, Labels } of images) {
    const ours = Labels['paas.app'] === undefined ? last : Labels['paas.instance'] === name
    if (ours) await attempt(docker.getImage(Id).remove({ force: true }))
  }
  const { Volumes } = await docker.listVolumes({ filters })
  await Promise.all(Volumes.map(({ Name }) => attempt(docker.getVolume(Name).remove({ force: true }))))
}

/** Whether anything in Docker is another instance's; a controller makes a network as soon as it starts. */
async function othersThere({ docker }: Pick<Engine, 'docker'>, name: string): Promise<boolean> {
  const filters = { label: ['paas.instance'] }
  const [containers, networks, images] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listImages({ filters: { label: ['paas.instance', 'paas.app'] } }),
  ])
  return [...containers, ...networks, ...images].some(
    ({ Labels }) => (Labels as Record<string, string> | undefined)?.['paas.instance'] !== name,
  )
}

/** Somebody else may have removed it, or use it: either way there is nothing to do. */
async function attempt(removal: Promise<unknown>): Promise<void> {
  await removal.catch(() => undefined)
}

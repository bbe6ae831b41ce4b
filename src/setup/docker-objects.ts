import { type Engine } from '../docker/engine.ts'
import { parseSubnet, type Subnet } from './subnet.ts'

/** The IPv4 networks that Docker has given out. */
export async function dockerSubnets({ docker }: Engine): Promise<Subnet[]> {
  const networks = await docker.listNetworks()
  return networks.flatMap((network) =>
    (network.IPAM?.Config ?? []).flatMap((pool) => parseSubnet(pool.Subnet ?? '') ?? []),
  )
}

/**
 * Removes everything in Docker that bears the label of this instance: containers and networks, and unless
 * `keepData` images and volumes. What another instance still uses is left.
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
  const images = await docker.listImages({ filters })
  for (const { Id } of images) await attempt(docker.getImage(Id).remove({ force: true }))
  const { Volumes } = await docker.listVolumes({ filters })
  await Promise.all(Volumes.map(({ Name }) => attempt(docker.getVolume(Name).remove({ force: true }))))
}

/** Somebody else may have removed it, or use it: either way there is nothing to do. */
async function attempt(removal: Promise<unknown>): Promise<void> {
  await removal.catch(() => undefined)
}

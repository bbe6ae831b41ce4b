import Dockerode from 'dockerode'
import { PaasError } from '../errors/paas-error.ts'
import { dockerCall } from './call.ts'
import { type BeforeCreate, containers, type Containers } from './containers.ts'
import { diskUsage, type DiskUsage } from './disk-usage.ts'
import { images, type Images } from './images.ts'
import { networks, type Networks } from './networks.ts'
import { volumes, type Volumes } from './volumes.ts'

/** The oldest Engine API that we need (Docker 20.10) and the newest that was tried (28.5); 29 speaks from 1.44 on. */
const apiVersions = { oldest: '1.41', newest: '1.51' }

/** What an engine says about itself, each undefined where it does not. */
export type About = {
  /** The folder where it keeps images and containers. */
  dataFolder: string | undefined
  /** Who makes its containers' cgroups: `cgroupfs` or `systemd`. */
  cgroupDriver: string | undefined
  /** Of its machine. */
  memoryBytes: number | undefined
  cores: number | undefined
}

export type Engine = {
  docker: Dockerode
  containers: Containers
  images: Images
  networks: Networks
  volumes: Volumes
  about: () => Promise<About>
  /** What uses how much of the disk; counts for seconds where there is much. */
  diskUsage: () => Promise<DiskUsage>
  /**
   * Agrees on the newest API version that both sides know, and resolves to the engine's own version
   * (`20.10.24`). Throws DOCKER_UNREACHABLE, or DOCKER_FAILED for an engine that is too old or too new.
   */
  negotiate: () => Promise<string>
}

/** The Docker Engine behind a socket. Nothing is asked of it yet: it may come and go. */
export function openEngine(socketPath: string, beforeCreate: BeforeCreate = async () => undefined): Engine {
  const docker = new Dockerode({ socketPath })
  // In no version: where another engine listens by now, it may not speak the one that was agreed on.
  const unversioned = new Dockerode({ socketPath })
  let about: About | undefined
  return {
    docker,
    containers: containers(docker, beforeCreate),
    images: images(docker),
    networks: networks(docker),
    volumes: volumes(docker),
    diskUsage: () => diskUsage(docker),
    async about() {
      // It stays the same for as long as the engine lives, and asking takes the engine a while.
      if (about !== undefined) return about
      const found = (await dockerCall('describe itself', () => docker.info() as Promise<unknown>)) as {
        DockerRootDir?: string
        CgroupDriver?: string
        MemTotal?: number
        NCPU?: number
      }
      about = {
        dataFolder: found.DockerRootDir,
        cgroupDriver: found.CgroupDriver,
        memoryBytes: found.MemTotal,
        cores: found.NCPU,
      }
      return about
    },
    async negotiate() {
      const found = await dockerCall('tell its version', () => unversioned.version())
      const version = negotiate(found.ApiVersion, found.MinAPIVersion)
      if (version === undefined) {
        throw new PaasError(
          'DOCKER_FAILED',
          `Docker ${found.Version} speaks API ${found.MinAPIVersion} to ${found.ApiVersion}; paas needs ${apiVersions.oldest} to ${apiVersions.newest}.`,
          { hint: 'Install Docker Engine 20.10 or newer.' },
        )
      }
      const modem = docker.modem as { version?: string }
      modem.version = `v${version}`
      return found.Version
    },
  }
}

/** The newest version in both ranges; undefined where they do not meet. */
export function negotiate(serverNewest: string, serverOldest: string): string | undefined {
  const newest = minor(serverNewest) < minor(apiVersions.newest) ? serverNewest : apiVersions.newest
  return minor(newest) >= minor(apiVersions.oldest) && minor(newest) >= minor(serverOldest)
    ? newest
    : undefined
}

const minor = (version: string): number => Number(version.split('.')[1])

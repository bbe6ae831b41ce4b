import type Dockerode from 'dockerode'
import { dockerCall } from './call.ts'

export type Volumes = ReturnType<typeof volumes>

/** Named volumes of the engine. An empty one takes over what the image has at its path, owner included. */
export function volumes(docker: Dockerode) {
  return {
    /** Makes a volume; one that is there stays as it is. */
    async ensure(name: string, labels: Record<string, string>): Promise<void> {
      await dockerCall(`create volume ${name}`, () => docker.createVolume({ Name: name, Labels: labels }))
    },

    /** Whether there is a volume of this name. */
    async exists(name: string): Promise<boolean> {
      const found = await dockerCall(`inspect volume ${name}`, () => docker.getVolume(name).inspect(), {
        missing: undefined,
      })
      return found !== undefined
    },

    /** Names of the volumes with all of these `name=value` labels. */
    async list(labels: string[]): Promise<string[]> {
      const found = await dockerCall('list volumes', () => docker.listVolumes({ filters: { label: labels } }))
      return found.Volumes.map(({ Name }) => Name)
    },

    /** Removes a volume with all that is in it. No error if it is gone. */
    remove: (name: string): Promise<unknown> =>
      dockerCall(
        `remove volume ${name}`,
        () => docker.getVolume(name).remove({ force: true }) as Promise<unknown>,
        {
          missing: undefined,
        },
      ),
  }
}

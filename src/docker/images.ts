import { type Readable } from 'node:stream'
import type Dockerode from 'dockerode'
import { type BuildRequest, type BuildResult, runBuild } from './buildkit/run-build.ts'
import { dockerCall } from './call.ts'
import { type EngineMessage, errorIn, jsonLines } from './json-lines.ts'

/** An image as the engine has it. */
export type ImageState = {
  id: string
  tags: string[]
  /** Whether a registry has told its digest: what was only built here has none, in Docker's own image store. */
  inRegistry: boolean
  labels: Record<string, string>
  /** ISO 8601. */
  createdAt: string
  /** Bytes, shared layers included. */
  size: number
  /** As Go names it: `amd64`. */
  architecture: string
  user: string
  env: string[]
  command: string[]
  entrypoint: string[]
  /** TCP ports from EXPOSE, ascending. */
  ports: number[]
  /** HEALTHCHECK; undefined where there is none, or NONE. Times are seconds, 0 where the image leaves them open. */
  healthcheck:
    | { command: string[]; interval: number; timeout: number; startPeriod: number; retries: number }
    | undefined
  /** Digests of its layers, lowest first. */
  layers: string[]
}

export type Images = ReturnType<typeof images>

/** Images of the engine: a narrow view of the Docker API. */
export function images(docker: Dockerode) {
  return {
    build: (request: BuildRequest): Promise<BuildResult> => runBuild(docker, request),

    /** The image of an id or tag, undefined where there is none. */
    async inspect(name: string): Promise<ImageState | undefined> {
      const found = await dockerCall(`inspect image ${name}`, () => docker.getImage(name).inspect(), {
        missing: undefined,
      })
      if (found === undefined) return undefined
      const { Config: config } = found as { Config: Config | null }
      return {
        id: found.Id,
        tags: found.RepoTags,
        inRegistry: found.RepoDigests.length > 0,
        labels: config?.Labels ?? {},
        createdAt: found.Created,
        size: found.Size,
        architecture: found.Architecture,
        user: config?.User ?? '',
        env: config?.Env ?? [],
        command: config?.Cmd ?? [],
        entrypoint: ([] as string[]).concat(config?.Entrypoint ?? []),
        ports: Object.keys(config?.ExposedPorts ?? {})
          .flatMap((port) => (port.endsWith('/udp') ? [] : [Number.parseInt(port, 10)]))
          .toSorted((a, b) => a - b),
        healthcheck: healthcheckOf(config?.Healthcheck),
        layers: found.RootFS.Layers ?? [],
      }
    },

    tag: (id: string, name: string): Promise<unknown> => {
      const { repo, tag } = splitTag(name)
      return dockerCall(`tag ${name}`, () => docker.getImage(id).tag({ repo, tag }))
    },

    /** Gives up what builds have cached and no image uses. */
    async pruneCache(): Promise<void> {
      await dockerCall('prune the build cache', () => pruneBuilds(docker))
    },

    /** Removes a tag, and the image with its last tag. No error if it is gone or something still uses it. */
    async remove(name: string): Promise<void> {
      await dockerCall(`remove image ${name}`, () => docker.getImage(name).remove(), {
        missing: undefined,
      }).catch((error: unknown) => {
        if (((error as Error).cause as { statusCode?: number } | undefined)?.statusCode !== 409) throw error
      })
    },

    /** Ids and tags of images with all of these `name=value` labels. */
    async list(labels: string[]): Promise<{ id: string; tags: string[] }[]> {
      const found = await dockerCall('list images', () => docker.listImages({ filters: { label: labels } }))
      return found.map(({ Id, RepoTags }) => ({ id: Id, tags: RepoTags ?? [] }))
    },

    /** Images with these tags as one tar, layers that they share once. */
    save: (names: readonly string[]): Promise<NodeJS.ReadableStream> =>
      dockerCall('save images', () => saveImages(docker, names)),

    /** Takes images from such a tar; what is there already stays. */
    async load(tar: Readable): Promise<void> {
      const lines = await dockerCall('load images', () => docker.loadImage(tar, { quiet: true }))
      for await (const message of jsonLines(lines)) throwError(message)
    },

    /** Makes an image of a root file system's tar. `changes` are Dockerfile instructions (ENV, LABEL, …). */
    async import(tar: Readable, name: string, changes: readonly string[]): Promise<string> {
      const { repo, tag } = splitTag(name)
      const options = { repo, tag, changes: [...changes] }
      const lines = await dockerCall(`import ${name}`, () => docker.importImage(tar, options))
      let id = ''
      for await (const message of jsonLines(lines)) {
        throwError(message)
        id = message.status ?? id
      }
      return id
    },

    /** Pulls an image from its registry; `onStatus` gets a line for what the engine tells. */
    async pull(
      name: string,
      options: {
        auth?: { username: string; password: string }
        signal: AbortSignal
        onStatus: (line: string) => void
      },
    ): Promise<void> {
      const { auth, signal, onStatus } = options
      await dockerCall(`pull ${name}`, async () => {
        const lines = await docker.pull(name, { abortSignal: signal, ...(auth && { authconfig: auth }) })
        for await (const message of jsonLines(lines)) {
          throwError(message)
          const { status, id } = message
          // Layers tell their progress many times a second; only what concerns the whole image is of interest.
          if (status !== undefined && id === undefined) onStatus(status)
        }
      })
    },
  }
}

function throwError(message: EngineMessage): void {
  const error = errorIn(message)
  if (error !== undefined) throw new Error(error)
}

/** What dockerode's types leave out. Durations are nanoseconds. */
type Healthcheck = {
  Test?: string[]
  Interval?: number
  Timeout?: number
  StartPeriod?: number
  Retries?: number
}
type Config = Partial<Dockerode.ImageInspectInfo['Config']> & { Healthcheck?: Healthcheck | null }

function healthcheckOf(found: Healthcheck | null | undefined): ImageState['healthcheck'] {
  const [kind, ...words] = found?.Test ?? []
  if (kind !== 'CMD' && kind !== 'CMD-SHELL') return undefined
  const seconds = (nanoseconds = 0): number => nanoseconds / 1e9
  return {
    command: kind === 'CMD' ? words : ['/bin/sh', '-c', ...words],
    interval: seconds(found?.Interval),
    timeout: seconds(found?.Timeout),
    startPeriod: seconds(found?.StartPeriod),
    retries: found?.Retries ?? 0,
  }
}

/** dockerode saves one image only; the engine's API takes several (Engine API, ImageGetAll). */
function saveImages(docker: Dockerode, names: readonly string[]): Promise<NodeJS.ReadableStream> {
  const query = names.map((name) => `names=${encodeURIComponent(name)}`).join('&')
  const { promise, resolve, reject } = Promise.withResolvers<NodeJS.ReadableStream>()
  docker.modem.dial(
    {
      // The modem takes the last character of a path with a question mark away when no options follow.
      path: `/images/get?${query}&`,
      method: 'GET',
      isStream: true,
      statusCodes: { 200: true, 404: 'no such image' },
    },
    (error: unknown, stream: unknown) => (error ? reject(error) : resolve(stream as NodeJS.ReadableStream)),
  )
  return promise
}

/**
 * dockerode takes no filters here. What was used within the last minute stays: the context of a build that begins is
 * in the cache too, and for a moment nothing holds it.
 */
function pruneBuilds(docker: Dockerode): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const filters = encodeURIComponent(JSON.stringify({ until: ['1m'] }))
  docker.modem.dial(
    {
      path: `/build/prune?filters=${filters}&`,
      method: 'POST',
      statusCodes: { 200: true, 500: 'server error' },
    },
    (error: unknown) => (error ? reject(error) : resolve()),
  )
  return promise
}

function splitTag(name: string): { repo: string; tag: string } {
  const colon = name.lastIndexOf(':')
  return colon > name.lastIndexOf('/')
    ? { repo: name.slice(0, colon), tag: name.slice(colon + 1) }
    : { repo: name, tag: 'latest' }
}

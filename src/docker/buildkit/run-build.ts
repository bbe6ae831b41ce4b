import { type Readable } from 'node:stream'
import type Dockerode from 'dockerode'
import { dockerCall } from '../call.ts'
import { errorIn, jsonLines } from '../json-lines.ts'
import { type BuildProgress } from './progress.ts'
import { type SessionOffers } from './session.ts'

export type BuildRequest = SessionOffers & {
  /** A tar; read to its end or to the abort. */
  context: Readable
  /** Path of the Dockerfile in the context. */
  dockerfile: string
  tag: string
  labels: Readonly<Record<string, string>>
  buildArgs: Readonly<Record<string, string>>
  target: string | undefined
  noCache: boolean
  signal: AbortSignal
  onProgress: (progress: BuildProgress) => void
}

export type BuildResult = { imageId: string } | { error: string }

/**
 * Builds with BuildKit. A step that fails is a result, not an exception; the abort stops the build in the
 * engine too and throws its reason.
 */
export async function runBuild(docker: Dockerode, request: BuildRequest): Promise<BuildResult> {
  // gRPC and protobuf are large, and a controller that builds nothing is spared them.
  const { openSession } = await import('./session.ts')
  const session = await openSession(docker, request)
  try {
    request.signal.throwIfAborted()
    return await dockerCall('build', async () =>
      followBuild(await dialBuild(docker, request, session.id), request),
    )
  } catch (error) {
    request.signal.throwIfAborted()
    throw error
  } finally {
    session.close()
  }
}

async function followBuild(lines: Readable, request: BuildRequest): Promise<BuildResult> {
  const { decodeProgress } = await import('./progress.ts')
  let imageId: string | undefined
  let error: string | undefined
  for await (const message of jsonLines(lines)) {
    if (message.id === 'moby.buildkit.trace' && typeof message.aux === 'string')
      request.onProgress(decodeProgress(message.aux))
    else if (message.id === 'moby.image.id' && typeof message.aux === 'object') imageId = message.aux.ID
    error ??= errorIn(message)
  }
  request.signal.throwIfAborted()
  if (error !== undefined) return { error }
  return imageId === undefined ? { error: 'the engine named no image' } : { imageId }
}

/** docker-modem's dialling, which its types leave out. dockerode's own buildImage would replace our session. */
type Modem = {
  dial(
    options: {
      method: string
      path: string
      options: Record<string, string>
      file: Readable
      isStream: boolean
      abortSignal: AbortSignal
      statusCodes: Record<number, unknown>
    },
    callback: (error: Error | null, lines: Readable) => void,
  ): void
}

function dialBuild(docker: Dockerode, request: BuildRequest, session: string): Promise<Readable> {
  return new Promise((resolve, reject) => {
    const modem = docker.modem as Modem
    modem.dial(
      {
        method: 'POST',
        path: '/build?',
        options: {
          version: '2',
          session,
          t: request.tag,
          dockerfile: request.dockerfile,
          labels: JSON.stringify(request.labels),
          buildargs: JSON.stringify(request.buildArgs),
          rm: 'true',
          forcerm: 'true',
          ...(request.target !== undefined && { target: request.target }),
          ...(request.noCache && { nocache: 'true' }),
        },
        file: request.context,
        isStream: true,
        abortSignal: request.signal,
        statusCodes: { 200: true, 400: 'bad request', 500: 'server error' },
      },
      (error, lines) => (error === null ? resolve(lines) : reject(error)),
    )
  })
}

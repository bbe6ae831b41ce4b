import protobuf from 'protobufjs/light.js'

/** A step of a build, as often as its state changes. */
export type BuildStep = {
  digest: string
  /** `[build 3/6] RUN npm ci`. */
  name: string
  cached: boolean
  started: boolean
  completed: boolean
  /** Milliseconds it ran, once completed. */
  took: number | undefined
  error: string | undefined
}

/** One message of the engine's progress stream: `moby.buildkit.v1.StatusResponse`. */
export type BuildProgress = {
  steps: BuildStep[]
  /** Raw output of steps; `digest` is the step's, `stream` 1 or 2 as a process has them. */
  output: { digest: string; stream: number; text: Buffer }[]
  warnings: string[]
}

const field = (type: string, id: number, rule?: 'repeated') => ({ type, id, ...(rule && { rule }) })

/** The fields we read of BuildKit's api/services/control/control.proto; protobuf skips the others. */
const StatusResponse = protobuf.Root.fromJSON({
  nested: {
    Timestamp: { fields: { seconds: field('int64', 1), nanos: field('int32', 2) } },
    Vertex: {
      fields: {
        digest: field('string', 1),
        name: field('string', 3),
        cached: field('bool', 4),
        started: field('Timestamp', 5),
        completed: field('Timestamp', 6),
        error: field('string', 7),
      },
    },
    VertexLog: {
      fields: { vertex: field('string', 1), stream: field('int64', 3), msg: field('bytes', 4) },
    },
    VertexWarning: { fields: { short: field('bytes', 3) } },
    StatusResponse: {
      fields: {
        vertexes: field('Vertex', 1, 'repeated'),
        logs: field('VertexLog', 3, 'repeated'),
        warnings: field('VertexWarning', 4, 'repeated'),
      },
    },
  },
}).lookupType('StatusResponse')

type Timestamp = { seconds: number; nanos: number }
type Decoded = {
  vertexes: {
    digest: string
    name: string
    cached: boolean
    started: Timestamp | null
    completed: Timestamp | null
    error: string
  }[]
  logs: { vertex: string; stream: number; msg: Uint8Array }[]
  warnings: { short: Uint8Array }[]
}

/** Decodes the `aux` of a `moby.buildkit.trace` line: base64 of one StatusResponse. */
export function decodeProgress(aux: string): BuildProgress {
  const message = StatusResponse.decode(Buffer.from(aux, 'base64'))
  const { vertexes, logs, warnings } = StatusResponse.toObject(message, {
    longs: Number,
    defaults: true,
    arrays: true,
  }) as Decoded
  return {
    steps: vertexes.map(({ digest, name, cached, started, completed, error }) => ({
      digest,
      name,
      cached,
      started: started !== null,
      completed: completed !== null,
      took:
        started === null || completed === null ? undefined : milliseconds(completed) - milliseconds(started),
      error: error === '' ? undefined : error,
    })),
    output: logs.map(({ vertex, stream, msg }) => ({ digest: vertex, stream, text: Buffer.from(msg) })),
    warnings: warnings.map((warning) => Buffer.from(warning.short).toString('utf8')),
  }
}

const milliseconds = ({ seconds, nanos }: Timestamp): number => seconds * 1000 + nanos / 1e6

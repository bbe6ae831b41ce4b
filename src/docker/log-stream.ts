/** A stream of the engine: dockerode types it as the old stream interface, which lacks `destroy`. */
export type EngineStream = NodeJS.ReadableStream & { destroy: () => void }

type Line = { at: Date; stream: 'stdout' | 'stderr'; text: string }

/** A line over this is cut in pieces: an app that never prints a newline must not fill our memory. */
const maxLineBytes = 64 * 1024

/**
 * Lines of the engine's multiplexed log stream (Engine API, "Stream format": one byte stream, three zero
 * bytes, four bytes big-endian length, payload). With `timestamps`, each line starts with an RFC 3339 time.
 * Ends when the stream ends or the signal aborts.
 */
export async function* demultiplex(
  source: EngineStream | Buffer,
  signal?: AbortSignal,
  options: { timestamps: boolean } = { timestamps: true },
): AsyncGenerator<Line> {
  const rest: Record<Line['stream'], Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  const parse = (stream: Line['stream'], bytes: Buffer): Line => {
    const text = bytes.toString('utf8').replace(/\r$/, '')
    if (!options.timestamps) return { at: new Date(0), stream, text }
    const space = text.indexOf(' ')
    return { at: new Date(text.slice(0, space)), stream, text: text.slice(space + 1) }
  }
  let pending: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks(source, signal)) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    let offset = 0
    while (pending.length - offset >= 8) {
      const length = pending.readUInt32BE(offset + 4)
      if (pending.length - offset - 8 < length) break
      const stream = pending[offset] === 2 ? 'stderr' : 'stdout'
      let text: Buffer = Buffer.concat([rest[stream], pending.subarray(offset + 8, offset + 8 + length)])
      for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10)) {
        yield parse(stream, text.subarray(0, end))
        text = text.subarray(end + 1)
      }
      if (text.length > maxLineBytes) {
        yield parse(stream, text)
        text = Buffer.alloc(0)
      }
      rest[stream] = text
      offset += 8 + length
    }
    pending = pending.subarray(offset)
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    if (rest[stream].length > 0) yield parse(stream, rest[stream])
  }
}

async function* chunks(
  source: EngineStream | Buffer,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  if (Buffer.isBuffer(source)) {
    yield source
    return
  }
  const stop = () => source.destroy()
  const aborted = () => signal?.aborted ?? false
  if (aborted()) stop()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of source) yield chunk as Buffer
  } catch (error) {
    if (!aborted()) throw error
  } finally {
    signal?.removeEventListener('abort', stop)
    source.destroy()
  }
}

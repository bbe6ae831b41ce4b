/** A stream of the engine: dockerode types it as the old stream interface, which lacks `destroy`. */
export type EngineStream = NodeJS.ReadableStream & { destroy: () => void }

/** `time` is the engine's own, RFC 3339 with nine digits of a second; `at` the same, cut to milliseconds. */
type Line = { at: Date; time: string; stream: 'stdout' | 'stderr'; text: string }

const empty: Buffer = Buffer.alloc(0)

/** A line over this is cut in pieces: an app that never prints a newline must not fill our memory. */
const maxLineBytes = 64 * 1024

/**
 * Lines of the engine's multiplexed log stream (Engine API, "Stream format": one byte stream, three zero
 * bytes, four bytes big-endian length, payload). With `timestamps`, each frame starts with an RFC 3339 time; a
 * long line comes in several frames, of which only the last ends with a newline. Ends when the stream ends or the
 * signal aborts.
 */
export async function* demultiplex(
  source: EngineStream | Buffer,
  signal?: AbortSignal,
  options: { timestamps: boolean } = { timestamps: true },
): AsyncGenerator<Line> {
  const partial: Record<Line['stream'], { time: string; text: Buffer }> = {
    stdout: { time: '', text: empty },
    stderr: { time: '', text: empty },
  }
  const line = (stream: Line['stream'], time: string, bytes: Buffer): Line => ({
    at: new Date(time === '' ? 0 : time),
    time,
    stream,
    text: bytes.toString('utf8').replace(/\r$/, ''),
  })
  let pending: Buffer = empty
  for await (const chunk of chunks(source, signal)) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    let offset = 0
    while (pending.length - offset >= 8) {
      const length = pending.readUInt32BE(offset + 4)
      if (pending.length - offset - 8 < length) break
      const stream = pending[offset] === 2 ? 'stderr' : 'stdout'
      const held = partial[stream]
      let payload: Buffer = pending.subarray(offset + 8, offset + 8 + length)
      if (options.timestamps) {
        const space = payload.indexOf(32)
        if (held.text.length === 0) held.time = payload.toString('latin1', 0, space)
        payload = payload.subarray(space + 1)
      }
      let text = held.text.length === 0 ? payload : Buffer.concat([held.text, payload])
      for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10)) {
        yield line(stream, held.time, text.subarray(0, end))
        text = text.subarray(end + 1)
      }
      if (text.length > maxLineBytes) {
        yield line(stream, held.time, text)
        text = empty
      }
      held.text = text
      offset += 8 + length
    }
    pending = pending.subarray(offset)
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    if (partial[stream].text.length > 0) yield line(stream, partial[stream].time, partial[stream].text)
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

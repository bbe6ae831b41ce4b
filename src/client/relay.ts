import type { Readable, Writable } from 'node:stream'
import { encodeFrame, type Frame, frame, type FrameType, frameDecoder, type Request } from '../api/wire.ts'
import { PaasError } from '../errors/paas-error.ts'
import { creditedStdin } from './credited-stdin.ts'
import { archived, edited, namedFile, outlined, type Sources } from './sources.ts'
import { windowSize } from './terminal.ts'

/** The connection to the controller: a socket, or the two pipes of an ssh. */
export type Transport = { input: Readable; output: Writable; close: () => void }

const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
type RelayedSignal = keyof typeof signalCodes
const relayedSignals = Object.keys(signalCodes) as RelayedSignal[]

/** Exit code when output has nowhere to go any more, as a process that died of SIGPIPE has it. */
const pipeCode = 141

/**
 * Sends a request, then relays output, stdin (only as far as it is asked for), signals and window changes.
 * The first Ctrl-C asks to cancel, a second one ends here. Resolves with the exit code once all output is out;
 * undefined if the connection ended without a code. Throws what goes wrong with reading stdin or a file.
 */
export async function relay(
  transport: Transport,
  request: Request,
  sources: Sources,
): Promise<number | undefined> {
  const { input, output } = transport
  const { promise: ended, resolve: end, reject: fail } = Promise.withResolvers<number | undefined>()
  let stdin = creditedStdin(sources.stdin, output, fail)
  const written = new Set<Writable>()
  const full = new Set<Writable>()
  let raw = false

  function say(type: FrameType, value: unknown): void {
    if (output.writable) output.write(encodeFrame(type, JSON.stringify(value)))
  }

  function show(stream: Writable, bytes: Buffer): void {
    if (!written.has(stream)) stream.on('error', () => end(pipeCode))
    written.add(stream)
    if (stream.write(bytes) || full.has(stream)) return
    full.add(stream)
    input.pause()
    stream.once('drain', () => {
      full.delete(stream)
      if (full.size === 0) input.resume()
    })
  }

  function setRaw(wanted: boolean): void {
    // Touching process.stdin opens it, so a terminal that was never made raw is left alone.
    if (wanted === raw || !process.stdin.isTTY) return
    process.stdin.setRawMode(wanted)
    raw = wanted
  }

  function take({ type, payload }: Frame): void {
    switch (type) {
      case frame.stdout:
        return show(process.stdout, payload)
      case frame.stderr:
        return show(process.stderr, payload)
      case frame.wantStdin:
        return stdin.grant((parse(payload) as { bytes: number }).bytes)
      case frame.stdinFrom: {
        const { path } = parse(payload) as { path: string }
        stdin.stop()
        stdin = creditedStdin(() => namedFile(path, request, sources), output, fail)
        return
      }
      case frame.edit: {
        const { text } = parse(payload) as { text: string }
        stdin.stop()
        stdin = creditedStdin(() => edited(text, sources), output, fail)
        return
      }
      case frame.archive: {
        const { ref } = parse(payload) as { ref: string }
        stdin.stop()
        stdin = creditedStdin(() => archived(ref, request, sources), output, fail)
        return
      }
      case frame.folder: {
        const { path } = parse(payload) as { path: string }
        stdin.stop()
        stdin = creditedStdin(() => outlined(path, request, sources), output, fail)
        return
      }
      case frame.rawMode:
        return setRaw((parse(payload) as { raw: boolean }).raw)
      case frame.exit:
        return end((parse(payload) as { code: number }).code)
      default:
        // A newer controller may say more than this client knows.
        return
    }
  }

  let interruptedBy: RelayedSignal | undefined
  const onSignal = (name: NodeJS.Signals): void => {
    if (interruptedBy !== undefined) return end(signalCodes[name as RelayedSignal])
    interruptedBy = name as RelayedSignal
    say(frame.signal, name)
  }
  const onResize = (): void => say(frame.resize, windowSize())

  const decoder = frameDecoder()
  input.on('data', (chunk: Buffer) => {
    try {
      decoder.push(chunk).forEach(take)
    } catch (cause) {
      fail(new PaasError('SSH_FAILED', 'What answers is not a paas of this version.', { cause }))
    }
  })
  // A terminal's Ctrl-C reaches the ssh below us too, and it ends at once: perhaps before we are told of the signal.
  const closed = (): unknown => setTimeout(() => end(interruptedBy && signalCodes[interruptedBy]), 20)
  input.on('close', closed).on('error', closed)
  // A broken connection shows on the reading side.
  output.on('error', () => undefined)
  for (const name of relayedSignals) process.on(name, onSignal)
  process.on('SIGWINCH', onResize)
  say(frame.request, request)

  try {
    return await ended
  } finally {
    input.off('close', closed)
    for (const name of relayedSignals) process.off(name, onSignal)
    process.off('SIGWINCH', onResize)
    setRaw(false)
    stdin.stop()
    await Promise.all([...written].map(flushed))
    transport.close()
  }
}

const parse = (payload: Buffer): unknown => JSON.parse(payload.toString())

/** Resolves when everything written to a stream is out, or cannot get out. */
function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve())
  })
}

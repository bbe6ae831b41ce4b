import { type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { type Identity } from '../model/key.ts'
import { type Terminal } from '../model/terminal.ts'
import { SignalName, WindowSize } from './request.ts'
import { encodeBytes, encodeFrame, type Frame, frame } from './wire.ts'

/** The caller's side of a request. */
export type SessionIo = {
  /** The caller's stdin; nothing of it is asked for before it is read. Errors when the caller goes away. */
  stdin: () => Readable
  /** The same from a file of the caller's, which its command line names; `-` is stdin. */
  file: (path: string) => Readable
  /** `git archive` of a commit of the repository that the caller is in; the command line names it, or it is HEAD. */
  archive: (ref: string) => Readable
  /** A tar of a folder of the caller's, cut to names and the texts that decide how it is built. */
  folder: (path: string) => Readable
  /** Lets the caller edit a text in an editor of theirs; ends with the text as it was left. */
  edit: (text: string) => Readable
  /** Resolve when the text has been taken by the socket (or the caller is gone): that is the back-pressure. */
  stdout: (text: string | Uint8Array) => Promise<void>
  stderr: (text: string | Uint8Array) => Promise<void>
  terminal: Terminal
  /** Raw mode: keys, Ctrl-C included, arrive on stdin as they are pressed. */
  rawMode: (raw: boolean) => void
  /** Takes the caller's signals in place of `Session.signal`, which then aborts on disconnect only. */
  onSignal: (listener: (name: SignalName) => void) => void
  onResize: (listener: (size: WindowSize) => void) => void
}

/** One request while it is answered. */
export type Session = {
  identity: Identity
  io: SessionIo
  /** Aborts, with an AbortError, when the caller interrupts or goes away. */
  signal: AbortSignal
  /** Resolves when the connection is closed. */
  closed: Promise<void>
}

export type OpenSession = Omit<Session, 'identity'> & {
  /** The key that is in use, once it is known. */
  keyId: string | undefined
  cancel(why: string): void
  disconnect(): void
  /** Takes one frame of the client; throws on one that breaks the protocol. */
  receive(part: Frame): void
  /** The one exit frame; the connection closes after it. */
  exit(code: number): void
}

/** What a caller did that ends its command; AbortSignal's own name for it lets everybody recognise it. */
export const cancelled = (why: string): DOMException => new DOMException(why, 'AbortError')

/** Output that piles up beyond this is for a caller that has stopped reading: it is taken for gone. */
const maxHeldBytes = 32 * 1024 * 1024

/** At most so many bytes of stdin are asked for ahead of what the command has read. */
const stdinWindow = 1024 * 1024

const noTerminal: Terminal = {
  tty: { stdin: false, stdout: false, stderr: false },
  columns: 80,
  rows: 24,
  color: false,
}

/** The controller's half of one connection after its request frame: output out, stdin and signals in. */
export function openSession(socket: Socket, terminal: Terminal = noTerminal): OpenSession {
  const abort = new AbortController()
  const closed = Promise.withResolvers<void>()
  let stdin = creditedStdin(socket)
  let onSignal: ((name: SignalName) => void) | undefined
  let onResize: ((size: WindowSize) => void) | undefined

  socket.on('close', () => {
    abort.abort(cancelled('the caller went away'))
    stdin.disconnected()
    closed.resolve()
  })

  /** Output in the order it was given, also by callers that do not wait for it. */
  let written: Promise<void> = Promise.resolve()
  let held = 0

  function send(type: typeof frame.stdout | typeof frame.stderr, text: string | Uint8Array): Promise<void> {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text
    held += bytes.length
    // Whoever waits never comes near it: a command that does not, and a caller that does not read.
    if (held > maxHeldBytes + bytes.length) socket.destroy()
    written = written.then(async () => {
      await write(type, bytes)
      held -= bytes.length
    })
    return written
  }

  async function write(type: typeof frame.stdout | typeof frame.stderr, bytes: Uint8Array): Promise<void> {
    for (const part of encodeBytes(type, bytes)) {
      if (!socket.writable) return
      if (!socket.write(part)) await drained(socket)
    }
  }

  return {
    keyId: undefined,
    signal: abort.signal,
    closed: closed.promise,
    io: {
      stdin: () => stdin.stream,
      file(path) {
        // A command may read one file after another, each to its end.
        if (stdin.ended()) stdin = creditedStdin(socket)
        if (path !== '-') socket.write(encodeFrame(frame.stdinFrom, JSON.stringify({ path })))
        return stdin.stream
      },
      archive(ref) {
        socket.write(encodeFrame(frame.archive, JSON.stringify({ ref })))
        return stdin.stream
      },
      folder(path) {
        socket.write(encodeFrame(frame.folder, JSON.stringify({ path })))
        return stdin.stream
      },
      edit(text) {
        socket.write(encodeFrame(frame.edit, JSON.stringify({ text })))
        return stdin.stream
      },
      stdout: (text) => send(frame.stdout, text),
      stderr: (text) => send(frame.stderr, text),
      terminal,
      rawMode: (raw) => void socket.write(encodeFrame(frame.rawMode, JSON.stringify({ raw }))),
      onSignal: (listener) => (onSignal = listener),
      onResize: (listener) => (onResize = listener),
    },
    cancel: (why) => abort.abort(cancelled(why)),
    disconnect: () => void socket.destroy(),
    receive({ type, payload }) {
      switch (type) {
        case frame.stdin:
          return stdin.take(payload)
        case frame.stdinEnd:
          return stdin.end()
        case frame.signal: {
          const name = SignalName.parse(JSON.parse(payload.toString()))
          if (onSignal !== undefined) return onSignal(name)
          return abort.abort(cancelled(`interrupted by ${name}`))
        }
        case frame.resize: {
          const size = WindowSize.parse(JSON.parse(payload.toString()))
          return onResize?.(size)
        }
        default:
          throw new Error(`a client does not send frames of type ${type}`)
      }
    },
    exit(code) {
      void written.then(() => {
        if (socket.writable) socket.end(encodeFrame(frame.exit, JSON.stringify({ code })))
      })
    },
  }
}

function creditedStdin(socket: Socket) {
  let granted = 0
  let ended = false
  const stream = new Readable({
    highWaterMark: stdinWindow,
    read() {
      if (ended || granted > stdinWindow / 2 || !socket.writable) return
      const bytes = stdinWindow - granted
      granted += bytes
      socket.write(encodeFrame(frame.wantStdin, JSON.stringify({ bytes })))
    },
  })
  // Whoever reads hears of it; a command that has stopped reading has no use for the error.
  stream.on('error', () => undefined)
  return {
    stream,
    ended: (): boolean => ended,
    take(payload: Buffer): void {
      if (ended || payload.length > granted) throw new Error('stdin that was not asked for')
      granted -= payload.length
      if (!stream.destroyed) stream.push(payload)
    },
    end(): void {
      ended = true
      if (!stream.destroyed) stream.push(null)
    },
    disconnected(): void {
      if (!ended) stream.destroy(cancelled('the caller went away'))
    },
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })
}

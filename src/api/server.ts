import { type Socket } from 'node:net'
import { type Logger } from 'pino'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { renderError, wantsJson } from '../errors/render.ts'
import { randomHex } from '../lib/ids.ts'
import { type Identity, type Key } from '../model/key.ts'
import { listenOn } from './listen.ts'
import { type CommandRequest, type GitRequest, type PushRequest, RequestFrame } from './request.ts'
import { type OpenSession, openSession, type Session } from './session.ts'
import { type Frame, frame, frameDecoder } from './wire.ts'

/** What answers each kind of request: resolves with the exit code, or throws. */
export type Handlers = {
  command(request: CommandRequest, session: Session): Promise<number>
  git(request: GitRequest, session: Session): Promise<number>
  push(request: PushRequest, session: Session): Promise<number>
}

export type ApiOptions = {
  rootSocket: string
  sshSocket: string
  /** Group id of the SSH user, which may connect to `sshSocket`; undefined: only this process' user may. */
  sshGroup?: number
  findKey(id: string): Promise<Key | undefined>
  handlers: Handlers
  log: Logger
}

export type Api = {
  /** Takes no more connections, cancels what runs, and waits for it at most `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** A client that connects says what it wants at once. */
const requestTimeoutMs = 10_000

/** How long a removed key's connections have to take the news. */
const revokedGraceMs = 2000

/** Exit code of a command that its caller interrupted, as a shell has it for SIGINT. */
const interruptedCode = 130

/** Serves the thin client on both sockets. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { log } = options
  const open = new Set<OpenSession>()

  /** Reads one connection to its end; returning destroys it. */
  async function connection(socket: Socket, via: 'root' | 'ssh'): Promise<void> {
    socket.setTimeout(requestTimeoutMs, () => socket.destroy())
    const decoder = frameDecoder()
    let opened: OpenSession | undefined
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      for (const part of decoder.push(chunk)) {
        if (opened !== undefined) {
          opened.receive(part)
          continue
        }
        socket.setTimeout(0)
        opened = begin(socket, via, part)
      }
    }
  }

  /** Takes the request frame; what it asks for then runs beside the reading of further frames. */
  function begin(socket: Socket, via: 'root' | 'ssh', first: Frame): OpenSession {
    if (first.type !== frame.request) throw new Error(`the first frame is of type ${first.type}`)
    const request = RequestFrame.parse(JSON.parse(first.payload.toString()))
    const terminal = request.kind === 'command' ? request.terminal : undefined
    const identity = identify(via, request.keyId)
    const opened = openSession(socket, terminal)
    open.add(opened)
    void opened.closed.then(() => open.delete(opened))
    void finish(opened, request, identity)
    return opened
  }

  async function finish(
    opened: OpenSession,
    request: RequestFrame,
    identity: Promise<Identity>,
  ): Promise<void> {
    const { io, signal } = opened
    let code: number
    try {
      const session: Session = { ...opened, identity: await identity }
      opened.keyId = session.identity.via === 'ssh' ? session.identity.key.id : undefined
      signal.throwIfAborted()
      code = await dispatch(request, session)
    } catch (error) {
      const json = request.kind === 'command' && wantsJson(request.argv)
      const shown = explain(error, request, signal)
      await io.stderr(renderError(shown.error, { json }))
      code = shown.code
    }
    opened.exit(code)
    if (request.kind === 'command') await endRevoked()
  }

  async function dispatch(request: RequestFrame, session: Session): Promise<number> {
    switch (request.kind) {
      case 'command':
        if (request.argv.length === 0) await session.io.stderr(greeting(session.identity))
        return options.handlers.command(request, session)
      case 'git':
        return options.handlers.git(request, session)
      case 'push':
        return options.handlers.push(request, session)
    }
  }

  async function identify(via: 'root' | 'ssh', keyId: string | undefined): Promise<Identity> {
    if (via === 'root') return { via: 'root' }
    const key = keyId === undefined ? undefined : await options.findKey(keyId)
    if (key === undefined) throw new PaasError('FORBIDDEN', 'This SSH key is not known here any more.')
    return { via: 'ssh', key }
  }

  function explain(
    error: unknown,
    request: RequestFrame,
    signal: AbortSignal,
  ): { error: PaasError; code: number } {
    if (isUnknownCommand(error) && request.kind === 'command' && request.plainSsh === true) {
      const refused = new PaasError('FORBIDDEN', `Refused: ${error.message} ${error.hint ?? ''}`.trim())
      return { error: refused, code: refused.exitCode }
    }
    if (error instanceof PaasError) return { error, code: error.exitCode }
    if (signal.aborted && error instanceof Error && error.name === 'AbortError') {
      return { error: new PaasError('CANCELLED', 'Cancelled.'), code: interruptedCode }
    }
    const reference = randomHex(4)
    log.error({ err: error, reference }, 'a request failed with a defect')
    const hint = `This is a defect of paas. The controller's log has the details under ${reference}.`
    const shown = new PaasError('INTERNAL', `Something went wrong inside paas (${reference}).`, { hint })
    return { error: shown, code: shown.exitCode }
  }

  /** The command that just ended may have removed a key: whatever that key still has open ends too. */
  async function endRevoked(): Promise<void> {
    for (const opened of [...open]) {
      if (opened.keyId === undefined) continue
      const key = await options.findKey(opened.keyId).catch(() => 'unknown')
      if (key !== undefined) continue
      const removed = new PaasError('FORBIDDEN', 'This SSH key was removed just now.')
      void opened.io.stderr(renderError(removed, { json: false }))
      opened.exit(removed.exitCode)
      opened.cancel('the key was removed')
      // A caller that does not read would otherwise keep its connection.
      setTimeout(() => opened.disconnect(), revokedGraceMs).unref()
    }
  }

  const accept = (via: 'root' | 'ssh') => (socket: Socket) => {
    connection(socket, via).catch((error: unknown) => {
      // A caller that goes away in the middle is everyday; anything else is a client that is not ours.
      if (!isDisconnect(error)) log.warn({ error: messageOf(error) }, 'a client broke the protocol')
    })
  }

  const root = await listenOn(options.rootSocket, { mode: 0o600 }, accept('root'))
  const sshAccess = { mode: 0o660, ...(options.sshGroup !== undefined && { group: options.sshGroup }) }
  const ssh = await listenOn(options.sshSocket, sshAccess, accept('ssh'))

  return {
    async close(graceMs) {
      const down = [root, ssh].map((server) => new Promise((resolve) => server.close(resolve)))
      for (const opened of open) opened.cancel('the controller stops')
      const timer = setTimeout(() => open.forEach((opened) => opened.disconnect()), graceMs)
      await Promise.all(down)
      clearTimeout(timer)
    },
  }
}

/** For somebody who tries out whether a key works. */
function greeting(identity: Identity): string {
  if (identity.via === 'root') return ''
  const { name, role, apps } = identity.key
  return `Hello ${name}. This key has the role ${role}${apps === undefined ? '' : ` on ${apps.join(', ')}`}.\n\n`
}

function isUnknownCommand(error: unknown): error is PaasError {
  return error instanceof PaasError && error.code === 'UNKNOWN_COMMAND'
}

function isDisconnect(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}

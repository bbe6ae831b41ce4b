import { Socket } from 'node:net'

/** A write that the kernel has not taken whole. */
type PendingWrite = {
  /** Keeps the bytes alive. */
  buffer?: Uint8Array
  oncomplete: (status: number) => void
  /** Set where it was completed before anybody could listen. */
  writeStatus: number | null
}

/** Where a socket's bytes enter the kernel. Results: 0 for all of it, a negative errno, or what is waited for. */
export type WriteHandle = {
  writeLatin1String(request: object | null, text: string): number | PendingWrite
  writeBuffer(request: object | null, bytes: Uint8Array): number | PendingWrite
}

type HandledSocket = Socket & { _handle?: WriteHandle | null }

/** The handle of a connected TCP socket; undefined: it has none. */
export type WriteHandles = (socket: Socket) => WriteHandle | undefined

/**
 * A stream's `write` is more than handing bytes to the kernel: it has a state to keep, a callback and a tick
 * for each. This is the call beneath it, Node's own and private: it is asked of Node what `write` does with it, and
 * where that is not what is known here, the result is undefined and streams serve.
 */
export function writeHandles(): WriteHandles | undefined {
  const probe: HandledSocket = new Socket()
  const requests: (object | null)[] = []
  probe._handle = {
    writeLatin1String(request) {
      requests.push(request)
      return 0
    },
    writeBuffer: () => 0,
  }
  probe.on('error', () => undefined)
  probe.write('?', 'latin1')
  probe._handle = null
  probe.destroy()
  if (requests[0] !== null) return undefined
  // TLS has a handle too, but one that never takes anything at once.
  return (socket) =>
    Object.getPrototypeOf(socket) === Socket.prototype
      ? ((socket as HandledSocket)._handle ?? undefined)
      : undefined
}

/** Calls back once what waits has been taken, with a negative errno where it never will be. */
export function whenWritten(
  pending: PendingWrite,
  bytes: Uint8Array | undefined,
  done: (status: number) => void,
): void {
  if (bytes !== undefined) pending.buffer = bytes
  pending.oncomplete = done
  const { writeStatus } = pending
  if (typeof writeStatus !== 'number') return
  pending.writeStatus = null
  done(writeStatus)
}

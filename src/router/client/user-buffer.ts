import { Socket } from 'node:net'

type UserBufferSocket = Socket & { _handle?: { useUserBuffer?: (buffer: Uint8Array) => void } | null }

/** Makes a socket read into `buffer` and call `receive`, which returns false to stop reading. False: it cannot. */
export type UserBufferReader = (
  socket: Socket,
  buffer: Buffer,
  receive: (length: number, buffer: Buffer) => boolean,
) => boolean

/**
 * Node reads an accepted socket into a new Buffer each time; `onread`, which avoids that, is public for outgoing
 * sockets only. This reaches the same mechanism through Node's own fields. It saves about a tenth of a request's
 * CPU time and exists only where those fields are what they were in the Node that it was written for:
 * otherwise undefined, and `data` events serve.
 */
export function userBufferReader(): UserBufferReader | undefined {
  const probe = new Socket()
  const symbols = Object.getOwnPropertySymbols(probe)
  const find = (name: string): symbol | undefined => symbols.find((symbol) => symbol.description === name)
  const buffer = find('kBuffer')
  const callback = find('kBufferCb')
  const generator = find('kBufferGen')
  probe.destroy()
  if (buffer === undefined || callback === undefined || generator === undefined) return undefined
  return (socket, bytes, receive) => {
    const handle = (socket as UserBufferSocket)._handle
    if (typeof handle?.useUserBuffer !== 'function') return false
    handle.useUserBuffer(bytes)
    Object.assign(socket, { [buffer]: bytes, [callback]: receive, [generator]: null })
    return true
  }
}

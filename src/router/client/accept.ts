import { type Socket } from 'node:net'
import { type Plane } from '../forward/plane.ts'
import { ClientConnection } from './client-connection.ts'
import { type Listener } from './listener.ts'

/** Serves whoever has connected. */
export function acceptClient(socket: Socket, plane: Plane, listener: Listener): void {
  // Reset before it was accepted. What it sent is still there to be read, but of nobody, and nobody awaits the answer.
  if (socket.remoteAddress === undefined) {
    socket.on('error', () => undefined)
    socket.destroy()
    return
  }
  new ClientConnection(socket, plane, listener)
}

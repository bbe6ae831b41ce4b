import { connect, type Socket } from 'node:net'
import { PaasError } from '../errors/paas-error.ts'

/** Connects to the controller; throws CONTROLLER_UNREACHABLE saying how to start it. */
export async function connectController(path: string): Promise<Socket> {
  const socket = connect(path)
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  socket.once('connect', () => resolve(undefined)).once('error', reject)
  try {
    await promise
  } catch (cause) {
    throw unreachable(cause as NodeJS.ErrnoException)
  }
  socket.removeAllListeners('error')
  return socket
}

function unreachable(cause: NodeJS.ErrnoException): PaasError {
  if (cause.code === 'EACCES') {
    return new PaasError('CONTROLLER_UNREACHABLE', 'On the server, paas is for root.', {
      hint: 'Run it with sudo, or with a key of yours: ssh paas@localhost.',
      cause,
    })
  }
  return new PaasError('CONTROLLER_UNREACHABLE', 'The paas controller is not running; apps keep serving.', {
    hint: 'Start it: systemctl start paas.target, or where there is no systemd: paas serve',
    cause,
  })
}

import { chown, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { PaasError } from '../errors/paas-error.ts'

/**
 * Listens on a unix socket that is never open to more than `mode`. One that a dead process left behind is
 * replaced; a live one is an error.
 */
export async function listenOn(
  path: string,
  access: { mode: number; group?: number },
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  if (await answers(path)) {
    throw new PaasError('ALREADY_RUNNING', `A controller answers on ${path} already.`, {
      hint: 'Stop it first; only one may write the state.',
    })
  }
  await rm(path, { force: true })
  const server = createServer(onConnection)
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  // The socket file is made within listen(), so this mask decides its mode without a moment in which it is wider.
  const mask = process.umask(0o777 & ~access.mode)
  try {
    server.listen(path, listening.resolve)
  } finally {
    process.umask(mask)
  }
  await listening.promise
  if (access.group !== undefined) await chown(path, process.geteuid?.() ?? 0, access.group)
  return server
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const end = (live: boolean) => {
      socket.destroy()
      resolve(live)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}

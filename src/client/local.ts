import type { Request } from '../api/wire.ts'
import { PaasError } from '../errors/paas-error.ts'
import { connectController } from './connect.ts'
import { relay } from './relay.ts'
import type { Sources } from './sources.ts'

/** Sends a request to the controller of this machine and relays it to its end. Resolves with the exit code. */
export async function askController(path: string, request: Request, sources: Sources): Promise<number> {
  const socket = await connectController(path)
  const code = await relay({ input: socket, output: socket, close: () => socket.destroy() }, request, sources)
  if (code === undefined) {
    throw new PaasError(
      'CONTROLLER_UNREACHABLE',
      'The paas controller went away before the command was done.',
      {
        hint: 'It restarts by itself; look at what was done before trying again: paas apps:list',
      },
    )
  }
  return code
}

import type { Socket } from 'node:net'
import { encodeFrame, frame, frameDecoder, type GitGrant, type Request } from '../api/wire.ts'
import { PaasError } from '../errors/paas-error.ts'
import { connectController } from './connect.ts'

/** A grant and its end: the controller stopped, or the key was removed; or a refusal, already shown. */
export type GrantAnswer = { grant: GitGrant; lost: Promise<void>; release: () => void } | { refused: number }

/** Asks the controller to let a key use git on an app; for a push this waits for the app's turn. */
export async function askGrant(path: string, request: Request): Promise<GrantAnswer> {
  const socket = await connectController(path)
  socket.write(encodeFrame(frame.request, JSON.stringify(request)))
  return new Promise((resolve, reject) => {
    const { promise: lost, resolve: lose } = Promise.withResolvers<void>()
    const release = (): void => void socket.destroy()
    let text = ''
    onFrames(socket, {
      stdout(payload) {
        text += payload.toString()
        if (text.endsWith('\n')) resolve({ grant: JSON.parse(text) as GitGrant, lost, release })
      },
      exit(code) {
        resolve({ refused: code })
        lose()
      },
      close() {
        lose()
        reject(
          new PaasError('CONTROLLER_UNREACHABLE', 'The paas controller went away.', {
            hint: 'Push again in a moment.',
          }),
        )
      },
    })
  })
}

type Listener = { stdout: (payload: Buffer) => void; exit: (code: number) => void; close: () => void }

function onFrames(socket: Socket, listener: Listener): void {
  const decoder = frameDecoder()
  socket.on('error', () => undefined).on('close', listener.close)
  socket.on('data', (chunk: Buffer) => {
    for (const { type, payload } of decoder.push(chunk)) {
      if (type === frame.stdout) listener.stdout(payload)
      else if (type === frame.stderr) process.stderr.write(payload)
      else if (type === frame.exit) listener.exit((JSON.parse(payload.toString()) as { code: number }).code)
    }
  })
}

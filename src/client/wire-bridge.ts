import type { Request } from '../api/wire.ts'
import { encodeFrame, type Frame, frame, type FrameType, frameDecoder } from '../api/wire.ts'
import { PaasError } from '../errors/paas-error.ts'
import { renderError } from '../errors/render.ts'
import { connectController } from './connect.ts'
import { onOrphaned } from './orphan.ts'

/**
 * Relays the frames of a laptop's client between this process' stdin and stdout and the controller. The request
 * may be a command only, and goes on with the key that sshd authenticated, whatever it says itself.
 */
export async function bridgeWire(sshSocket: string, keyId: string): Promise<number> {
  const { promise: ended, resolve: end } = Promise.withResolvers<undefined>()
  let socket
  try {
    socket = await connectController(sshSocket)
  } catch (error) {
    if (!(error instanceof PaasError)) throw error
    process.stdout.write(encodeFrame(frame.stderr, renderError(error, { json: false })))
    process.stdout.write(encodeFrame(frame.exit, JSON.stringify({ code: error.exitCode })))
    return 0
  }
  const controller = socket
  let asked = false

  function forward(part: Frame): void {
    if (asked) {
      if (part.type === frame.request) throw new Error('a second request')
      controller.write(encodeFrame(part.type as FrameType, part.payload))
      return
    }
    if (part.type !== frame.request) throw new Error('no request')
    const request = JSON.parse(part.payload.toString()) as Request
    if (request.kind !== 'command') throw new Error('not a command')
    controller.write(encodeFrame(frame.request, JSON.stringify({ ...request, keyId })))
    asked = true
  }

  const decoder = frameDecoder()
  process.stdin.on('data', (chunk: Buffer) => {
    try {
      decoder.push(chunk).forEach(forward)
    } catch {
      // Not a client of ours.
      end(undefined)
    }
  })
  process.stdin.on('end', () => end(undefined)).on('error', () => end(undefined))
  process.stdout.on('error', () => end(undefined))
  onOrphaned(() => end(undefined))
  controller.on('data', (chunk: Buffer) => {
    if (process.stdout.write(chunk)) return
    controller.pause()
    process.stdout.once('drain', () => controller.resume())
  })
  controller.on('close', () => end(undefined)).on('error', () => end(undefined))
  await ended
  controller.destroy()
  await new Promise((resolve) => process.stdout.write('', resolve))
  return 0
}

import type { Readable, Writable } from 'node:stream'
import { PaasError } from '../errors/paas-error.ts'
import { encodeBytes, encodeFrame, frame } from '../api/wire.ts'

/**
 * stdin that is opened on the first grant, and sent no further than granted. `failed` hears that it broke off,
 * so that half of it is never taken for all.
 */
export function creditedStdin(open: () => Readable, output: Writable, failed: (error: unknown) => void) {
  let credit = 0
  let stream: Readable | undefined
  let held: Buffer = Buffer.alloc(0)
  let end: 'ahead' | 'seen' | 'told' = 'ahead'

  function flow(): void {
    const part = held.subarray(0, credit)
    held = held.subarray(part.length)
    credit -= part.length
    if (output.writable) for (const piece of encodeBytes(frame.stdin, part)) output.write(piece)
    if (credit === 0) stream?.pause()
    else stream?.resume()
    if (end !== 'seen' || held.length > 0) return
    end = 'told'
    if (output.writable) output.write(encodeFrame(frame.stdinEnd, ''))
  }

  function start(): Readable {
    return open()
      .on('data', (chunk: Buffer) => {
        held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
        flow()
      })
      .once('end', () => {
        end = 'seen'
        flow()
      })
      .once('error', (error: NodeJS.ErrnoException) => failed(unreadable(error)))
  }

  return {
    grant(bytes: number): void {
      credit += bytes
      try {
        stream ??= start()
      } catch (error) {
        return failed(error)
      }
      flow()
    },
    stop(): void {
      stream?.removeAllListeners('data').pause()
    },
  }
}

function unreadable(error: NodeJS.ErrnoException): unknown {
  if (error.code === 'EISDIR') {
    return new PaasError('INVALID_INPUT', 'A file is needed, and this is a folder.', { cause: error })
  }
  if (error.path === undefined) return error
  const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message
  return new PaasError('INVALID_INPUT', `Cannot read ${error.path}: ${reason}.`, { cause: error })
}

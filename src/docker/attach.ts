import { type Duplex } from 'node:stream'
import type Dockerode from 'dockerode'
import { dockerCall } from './call.ts'
import { type ExecOutput, outputOf, writeTo } from './exec.ts'

/** The three streams of a container's first process. */
export type Attached = {
  /** Resolves when the bytes are taken: that is the back-pressure. */
  write: (bytes: Uint8Array) => Promise<void>
  /** Ends the process' stdin; its output goes on. */
  end: () => void
  /** All that it prints, as it comes; ends with the container. */
  output: () => AsyncGenerator<ExecOutput>
}

/** Connects to a container that has been created and not started, so that nothing of its output is missed. */
export async function attachTo(
  docker: Dockerode,
  id: string,
  options: { tty: boolean; stdin: boolean },
): Promise<Attached> {
  const stream = (await dockerCall<NodeJS.ReadWriteStream>(`attach to ${id}`, () =>
    docker.getContainer(id).attach({
      stream: true,
      stdin: options.stdin,
      stdout: true,
      stderr: true,
      hijack: true,
    }),
  )) as unknown as Duplex
  // A process that ends before its input does resets the connection; its exit code tells all there is to tell.
  stream.on('error', () => undefined)
  return {
    write: (bytes) => writeTo(stream, bytes),
    end: () => void stream.end(),
    output: () => outputOf(stream, options.tty),
  }
}

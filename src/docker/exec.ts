import { setTimeout as sleep } from 'node:timers/promises'
import { type Duplex } from 'node:stream'
import type Dockerode from 'dockerode'
import { dockerCall } from './call.ts'

export type ExecOptions = {
  command: string[]
  /** Seen by the command only; not kept by the engine beyond it. */
  env?: Record<string, string>
  /** A user of the image; undefined: the container's own. */
  user?: string
  /** A pseudo-terminal of this size; then everything arrives as stdout. */
  tty?: { columns: number; rows: number }
}

export type ExecOutput = { stream: 'stdout' | 'stderr'; bytes: Buffer }

/** A command that runs in a container, with its three streams. */
export type RunningExec = {
  /** Resolves when the bytes are taken: that is the back-pressure. */
  write: (bytes: Uint8Array) => Promise<void>
  /** Ends the command's stdin; its output goes on. */
  end: () => void
  /** All that it prints, as it comes; nothing is read ahead of whoever reads this. Ends with the command. */
  output: () => AsyncGenerator<ExecOutput>
  resize: (size: { columns: number; rows: number }) => Promise<void>
  /** Its process, as the engine numbers it; a command may print before the engine knows. */
  pid: () => Promise<number>
  /** Ends the command by its process, as closing the connection would leave it running. */
  kill: (signal: NodeJS.Signals) => Promise<void>
  /** The exit code, once `output` has ended. */
  exitCode: () => Promise<number>
}

/** Milliseconds that the engine may take to note the process of a command that runs. */
const startNoticeLimit = 10_000
/** Milliseconds that the engine may take to note the end of a command whose output has ended. */
const exitNoticeLimit = 10_000

/** Starts a command in a running container. */
export async function startExec(docker: Dockerode, id: string, options: ExecOptions): Promise<RunningExec> {
  const { command, env = {}, user, tty } = options
  const exec = await dockerCall(`run a command in ${id}`, () =>
    docker.getContainer(id).exec({
      Cmd: command,
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ...(user !== undefined && { User: user }),
      Tty: tty !== undefined,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    }),
  )
  const stream = await dockerCall<Duplex>(`run a command in ${id}`, () =>
    exec.start({ hijack: true, stdin: true, Tty: tty !== undefined }),
  )
  // A command that ends before its input does resets the connection; its exit code tells all there is to tell.
  stream.on('error', () => undefined)
  const inspect = () => dockerCall(`look at a command in ${id}`, () => exec.inspect())
  const resize = (size: { columns: number; rows: number }): Promise<void> =>
    dockerCall<unknown>('resize a terminal', () => exec.resize({ w: size.columns, h: size.rows })).then(
      () => undefined,
      // It may have ended just now.
      () => undefined,
    )
  if (tty !== undefined) await resize(tty)

  return {
    write: (bytes) => writeTo(stream, bytes),
    end: () => void stream.end(),
    output: () => outputOf(stream, tty !== undefined),
    resize,
    async pid() {
      const deadline = performance.now() + startNoticeLimit
      for (;;) {
        const { Pid } = await inspect()
        if (Pid > 0 || performance.now() > deadline) return Pid
        await sleep(5)
      }
    },
    async kill(signal) {
      const { Running, Pid } = await inspect()
      if (!Running || Pid <= 0) return
      try {
        process.kill(Pid, signal)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    },
    async exitCode() {
      const deadline = performance.now() + exitNoticeLimit
      for (;;) {
        const { Running, ExitCode } = await inspect()
        if (!Running && ExitCode !== null) return ExitCode
        if (performance.now() > deadline) return 137
        await sleep(10)
      }
    },
  }
}

/** Resolves when the bytes are taken, or there is nobody left to take them. */
export async function writeTo(stream: Duplex, bytes: Uint8Array): Promise<void> {
  if (!stream.writable || stream.write(bytes)) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.on('drain', done).on('close', done)
  })
}

/** What comes out of a hijacked connection; a terminal has one stream only. */
export const outputOf = (stream: Duplex, tty: boolean): AsyncGenerator<ExecOutput> =>
  tty ? raw(stream) : frames(stream)

async function* raw(stream: Duplex): AsyncGenerator<ExecOutput> {
  for await (const chunk of readable(stream)) yield { stream: 'stdout', bytes: chunk }
}

/** Cuts the engine's multiplexed stream (Engine API, "Stream format"); a frame is handed on in the pieces it comes in. */
async function* frames(stream: Duplex): AsyncGenerator<ExecOutput> {
  let header = Buffer.alloc(0)
  let left = 0
  let name: ExecOutput['stream'] = 'stdout'
  for await (const chunk of readable(stream)) {
    let at = 0
    while (at < chunk.length) {
      if (left === 0) {
        const piece = chunk.subarray(at, at + 8 - header.length)
        header = Buffer.concat([header, piece])
        at += piece.length
        if (header.length < 8) break
        name = header[0] === 2 ? 'stderr' : 'stdout'
        left = header.readUInt32BE(4)
        header = Buffer.alloc(0)
        continue
      }
      const bytes = chunk.subarray(at, at + left)
      at += bytes.length
      left -= bytes.length
      yield { stream: name, bytes }
    }
  }
}

/** Leaves the other direction open when it ends, and takes a reset for an end. */
async function* readable(stream: Duplex): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Buffer
  } catch (error) {
    if (
      !['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(
        (error as NodeJS.ErrnoException).code ?? '',
      )
    ) {
      throw error
    }
  }
}

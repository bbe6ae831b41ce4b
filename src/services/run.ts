import { Socket } from 'node:net'
import { type Engine } from '../docker/engine.ts'
import { PaasError } from '../errors/paas-error.ts'
import { type Step } from './service.ts'

export type Streams = {
  /** The command's stdin, in place of the step's own input. */
  input?: AsyncIterable<Uint8Array>
  /** Takes its stdout as it comes; without it all of stdout is in the result. */
  output?: (bytes: Buffer) => Promise<void>
  signal?: AbortSignal
}

export type Ended = { code: number; stdout: string; stderr: string }

/** Characters of stderr that are kept: the last, where a program says why it gave up. */
const keptErrors = 4096

/** Runs a step in a container to its end, whatever its exit code. An abort ends the command and is thrown. */
export async function runStep(
  { containers }: Engine,
  container: string,
  step: Step,
  { input, output, signal }: Streams = {},
): Promise<Ended> {
  const exec = await containers.run(container, { command: step.command, ...(step.env && { env: step.env }) })
  const stop = (): void => void exec.kill('SIGTERM').catch(() => undefined)
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted === true) stop()
  let stdout = ''
  let stderr = ''
  // A dump that breaks off must not be taken for one that has ended: the command is stopped instead.
  const feeding = feed(exec, input, step.input).catch(async (error: unknown) => {
    await exec.kill('SIGTERM').catch(() => undefined)
    exec.end()
    return { error }
  })
  try {
    for await (const part of exec.output()) {
      if (part.stream === 'stderr') stderr = (stderr + part.bytes.toString()).slice(-keptErrors)
      else if (output === undefined) stdout += part.bytes.toString()
      else await output(part.bytes)
    }
  } catch (error) {
    stop()
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
  signal?.throwIfAborted()
  const code = await exec.exitCode()
  // One that ended before its input did tells why by its code; a source that failed is the reason for all else.
  const failed = await Promise.race([feeding, Promise.resolve(undefined)])
  if (failed !== undefined) throw failed.error
  return { code, stdout, stderr }
}

type Exec = Awaited<ReturnType<Engine['containers']['run']>>

async function feed(exec: Exec, input: Streams['input'], text = ''): Promise<undefined> {
  if (input === undefined) await exec.write(Buffer.from(text))
  else for await (const bytes of input) await exec.write(bytes)
  exec.end()
  return undefined
}

/** The same where only success will do. Throws SERVICE_FAILED: `what` completes "could not …". */
export async function runOrFail(
  engine: Engine,
  container: string,
  step: Step,
  what: string,
  streams: Streams = {},
): Promise<string> {
  const { code, stdout, stderr } = await runStep(engine, container, step, streams)
  if (code === 0) return stdout
  const words = stderr.trim() || stdout.trim().slice(-keptErrors) || `exit code ${code}`
  throw new PaasError('SERVICE_FAILED', `Could not ${what}: ${words}`)
}

/** A step that prints into a pipe, which whoever reads it closes. */
export type Printing = {
  fd: number
  /** Ends it before its end. */
  stop: () => void
  /** Resolves once it has ended well. Throws SERVICE_FAILED, or what the signal was aborted with. */
  ended: () => Promise<void>
}

/** Starts a step that has no input and prints much; `what` completes "could not …". An abort ends it. */
export async function startPrinting(
  { containers }: Engine,
  container: string,
  { command, env }: Omit<Step, 'input'>,
  what: string,
  signal: AbortSignal,
): Promise<Printing> {
  signal.throwIfAborted()
  const exec = await containers.read(container, { command, ...(env && { env }) })
  const stop = (): void => void exec.kill('SIGTERM').catch(() => undefined)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  return {
    fd: exec.fd,
    stop,
    async ended() {
      const stderr = await exec.stderr()
      signal.removeEventListener('abort', stop)
      signal.throwIfAborted()
      const code = await exec.exitCode()
      if (code === 0) return
      throw new PaasError('SERVICE_FAILED', `Could not ${what}: ${stderr.trim() || `exit code ${code}`}`)
    },
  }
}

/** What a step prints, as it comes; ends with an error unless the step ends well. Stops it when left early. */
export async function* printed(start: () => Promise<Printing>): AsyncGenerator<Buffer> {
  const { fd, stop, ended } = await start()
  let all = false
  try {
    yield* new Socket({ fd, readable: true, writable: false }) as AsyncIterable<Buffer>
    all = true
  } finally {
    if (!all) stop()
  }
  await ended()
}

import { type Readable } from 'node:stream'
import { type Interaction, type TerminalSize } from '../schedulers/scheduler.ts'

/** The caller's side, as commands have it. */
export type Caller = {
  stdin: () => Readable
  stdout: (bytes: Uint8Array) => Promise<void>
  stderr: (bytes: Uint8Array) => Promise<void>
  rawMode: (raw: boolean) => void
  onSignal: (listener: (name: string) => void) => void
  onResize: (listener: (size: TerminalSize) => void) => void
}

/**
 * Lets a caller and a process talk until the process ends; resolves to its exit code. With a terminal, keys go to
 * the process as they are pressed (Ctrl-C is one of them) and its size follows the caller's; without one the
 * caller's signals go to the process. When the caller goes away the process is ended.
 */
export async function talk(
  process: Interaction,
  caller: Caller,
  { tty, signal }: { tty: boolean; signal: AbortSignal },
): Promise<number> {
  const end = (): void => void endProcess(process)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  if (tty) {
    caller.rawMode(true)
    caller.onResize((size) => void process.resize(size))
  }
  caller.onSignal((name) => void process.kill(name as NodeJS.Signals).catch(() => undefined))
  const input = caller.stdin()
  const sent = send(input, process)
  try {
    for await (const { stream, bytes } of process.output()) await caller[stream](bytes)
    signal.throwIfAborted()
    return await process.exitCode()
  } finally {
    signal.removeEventListener('abort', end)
    input.destroy()
    await sent
    if (tty) caller.rawMode(false)
  }
}

async function send(input: Readable, process: Interaction): Promise<void> {
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) await process.write(chunk)
    process.end()
  } catch {
    // The caller has gone, or the process has ended before its input: either is seen elsewhere.
  }
}

/** A shell ends with its terminal; what does not is killed. */
async function endProcess(process: Interaction): Promise<void> {
  await process.kill('SIGHUP').catch(() => undefined)
  setTimeout(() => void process.kill('SIGKILL').catch(() => undefined), 1000)
}

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a program ended. `output` is stdout and stderr as they came. */
export type Finished = {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  output: string
  seconds: number
}

export type Running = {
  child: ChildProcessWithoutNullStreams
  finished: Promise<Finished>
  /** Resolves when its output so far matches; rejects if it ends without. */
  shows: (pattern: RegExp) => Promise<void>
}

type Options = { cwd?: string; env?: NodeJS.ProcessEnv; input?: string | Buffer }

/** Starts a program in a process group of its own, as a shell with job control would. */
export function start(program: string, args: readonly string[], options: Options = {}): Running {
  const { input, ...rest } = options
  const began = performance.now()
  const child = spawn(program, args, { ...rest, detached: true })
  const said = { stdout: '', stderr: '', output: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
      said.output += text
      for (const listener of listeners) listener()
    })
  }
  // A program that does not read its stdin is no error.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) =>
      resolve({ code, signal, ...said, seconds: (performance.now() - began) / 1000 }),
    )
  })
  return {
    child,
    finished,
    shows: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(said.output)) return
          listeners.delete(look)
          resolve()
        }
        listeners.add(look)
        look()
        void finished.then(() => {
          if (listeners.delete(look)) reject(new Error(`it ended without ${pattern}:\n${said.output}`))
        }, reject)
      }),
  }
}

/** Runs a program to its end, whatever its exit code. */
export function run(program: string, args: readonly string[], options: Options = {}): Promise<Finished> {
  return start(program, args, options).finished
}

/** Runs a program that must succeed; resolves with its stdout. */
export async function mustRun(
  program: string,
  args: readonly string[] = [],
  options: Options = {},
): Promise<string> {
  const { code, signal, stdout, output } = await run(program, args, options)
  if (code === 0) return stdout
  throw new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}:\n${output}`)
}

/** Calls `look` until it gives something truthy; throws with `what` after the limit. */
export async function eventually<T>(
  what: string,
  limitMs: number,
  look: () => Promise<T>,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`)
    await sleep(20)
  }
}

/** True once it has given everything back, locks and files too; its parent need not have looked yet. */
export async function isGone(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined)
  // Files are held until the last thread has ended, which may be after the first.
  return status === undefined || (/^State:\s+Z/m.test(status) && /^Threads:\s+[01]$/m.test(status))
}

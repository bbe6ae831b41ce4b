import { type ChildProcess, spawn } from 'node:child_process'

/** How long a group has to end by itself before it is killed. */
const graceMs = 2000

/** Starts a program in a process group of its own, so that all it starts can be ended with it. */
export function startGroup(
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  stdout: 'inherit' | 'pipe' | 'ignore' = 'inherit',
): ChildProcess {
  return spawn(program, args, { env, stdio: ['inherit', stdout, 'inherit'], detached: true })
}

/** Resolves with the exit code, 1 where a signal ended it. */
export function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve(code ?? 1))
  })
}

/** SIGTERM to the whole group, SIGKILL to what is left of it after two seconds; resolves when nothing is. */
export async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child
  if (pid === undefined) return
  signalGroup(pid, 'SIGTERM')
  const deadline = performance.now() + graceMs
  while (performance.now() < deadline) {
    if (!signalGroup(pid, 0)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  signalGroup(pid, 'SIGKILL')
}

/** False when the group has no process any more. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}

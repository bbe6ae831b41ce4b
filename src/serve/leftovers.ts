import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A process and when it started, in the kernel's ticks: a number that is used again has another start. */
type Running = { name: string; pid: number; startedAt: string }

/** Notes which processes are ours, a file each, so that the next `paas serve` finds them after a kill -9. */
export function notePid(folder: string, name: string, pid: number): void {
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, name), `${pid} ${startTime(pid) ?? ''}`)
  } catch {
    // On a full disk the process runs all the same; only its successor will not know of it.
  }
}

export function forgetPid(folder: string, name: string): void {
  rmSync(join(folder, name), { force: true })
}

/**
 * Ends processes that an earlier `paas serve`, killed without a chance to stop them, left running, in the
 * order of `names`: two of one kind would fight over a port, or write one file of state. Returns their names.
 */
export async function endLeftovers(folder: string, names: string[], timeoutMs: number): Promise<string[]> {
  const ended: string[] = []
  for (const name of names) {
    const running = read(folder, name)
    if (!running || !isRunning(running)) continue
    process.kill(running.pid, 'SIGTERM')
    const deadline = performance.now() + timeoutMs
    while (isRunning(running)) {
      if (performance.now() > deadline) process.kill(running.pid, 'SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    ended.push(name)
  }
  return ended
}

function read(folder: string, name: string): Running | undefined {
  try {
    const [pid, startedAt] = readFileSync(join(folder, name), 'utf8').split(' ')
    return pid && startedAt ? { name, pid: Number(pid), startedAt } : undefined
  } catch {
    return undefined
  }
}

function isRunning({ pid, startedAt }: Running): boolean {
  return startTime(pid) === startedAt
}

/** Field 22 of `/proc/PID/stat`, proc(5); undefined for a process that is gone or a zombie. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

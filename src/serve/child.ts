import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as setTimeoutPromise } from 'node:timers/promises'
import { type Logger } from 'pino'
import { messageOf } from '../errors/paas-error.ts'
import { nextDelay } from './backoff.ts'
import { forgetPid, notePid } from './leftovers.ts'

/** A process that `paas serve` keeps running. */
export type ChildSpec = {
  name: string
  program: string
  args: string[]
  env?: NodeJS.ProcessEnv
  uid?: number
  gid?: number
  /** Its output is appended here by itself, so that it goes on being written whatever happens to us. */
  logFile: string
  /** Folder in which the process is noted while it runs. */
  pidFolder: string
  /** How long it may take to end after SIGTERM before it is killed. */
  stopTimeoutMs: number
  /** The signal that makes it read its settings or code anew without an interruption. */
  reloadSignal?: NodeJS.Signals
}

export type Child = {
  spec: ChildSpec
  pid: () => number | undefined
  signal: (signal: NodeJS.Signals) => void
  /** Ends it and lets the supervision start it again at once. */
  restart: () => Promise<void>
  /** Ends it for good. */
  stop: () => Promise<void>
}

/** Starts a process, and starts it again with growing delays whenever it ends, until `stop`. */
export function keepRunning(spec: ChildSpec, log: Logger): Child {
  let current: ChildProcess | undefined
  let restarting = false
  const stopping = new AbortController()
  const finished = supervise()

  async function supervise(): Promise<void> {
    let delay: number | undefined
    for (;;) {
      const startedAt = performance.now()
      const reason = await runOnce()
      if (stopping.signal.aborted) return
      if (reason === 'restart') {
        delay = undefined
        continue
      }
      delay = nextDelay(delay, performance.now() - startedAt)
      log.warn({ process: spec.name, reason, restartInMs: delay }, 'process ended')
      if (!(await pause(delay, stopping.signal))) return
    }
  }

  /** Resolves to why it ended. */
  async function runOnce(): Promise<string> {
    try {
      const child = start(spec)
      current = child
      if (child.pid !== undefined) notePid(spec.pidFolder, spec.name, child.pid)
      const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
      return restarting ? 'restart' : signal ? `killed by ${signal}` : `exit ${code}`
    } catch (error) {
      return messageOf(error)
    } finally {
      current = undefined
      restarting = false
      forgetPid(spec.pidFolder, spec.name)
    }
  }

  async function end(): Promise<void> {
    const child = current
    if (child === undefined) return
    const kill = setTimeout(() => child.kill('SIGKILL'), spec.stopTimeoutMs)
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
    clearTimeout(kill)
  }

  return {
    spec,
    pid: () => current?.pid,
    signal: (signal) => current?.kill(signal),
    restart: () => {
      restarting = current !== undefined
      return end()
    },
    stop: async () => {
      stopping.abort()
      await end()
      await finished
    },
  }
}

function start(spec: ChildSpec): ChildProcess {
  const output = openSync(spec.logFile, 'a', 0o640)
  try {
    return spawn(spec.program, spec.args, {
      cwd: '/',
      stdio: ['ignore', output, output],
      ...(spec.env && { env: spec.env }),
      ...(spec.uid !== undefined && { uid: spec.uid }),
      ...(spec.gid !== undefined && { gid: spec.gid }),
    })
  } finally {
    closeSync(output)
  }
}

/** Waits; false if `signal` came first. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return setTimeoutPromise(ms, true, { signal }).catch(() => false)
}

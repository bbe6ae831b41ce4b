import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A proxy under measurement: its own core, its processes. */
export type Running = { name: string; port: number; child: ChildProcess }

/** BENCH_NICE=-20: priority for all that is measured, where the machine has other work to do. */
const priority = process.env.BENCH_NICE === undefined ? [] : ['nice', '-n', process.env.BENCH_NICE]

/** Starts a program pinned to one core. */
export function startOn(core: number, program: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn('taskset', ['-c', String(core), ...priority, program, ...args], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  child.on('error', (error) => {
    throw error
  })
  return child
}

export async function listens(port: number): Promise<void> {
  const deadline = performance.now() + 15_000
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (open) return
    if (performance.now() > deadline) throw new Error(`nothing listens on ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Connections that stay open and say nothing, or half a head and then nothing. */
export async function openIdle(port: number, count: number): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined).resume()
      await once(socket, 'connect')
      if (i % 2 === 0) socket.write('GET / HTTP/1.1\r\nHost: bench')
      return socket
    }),
  )
}

/** Nanoseconds of CPU time of a process and all its descendants. */
function cpuOf(pid: number): number {
  let total = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const [time = '0'] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')
    total += Number(time)
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim()
    for (const child of children.split(' ').filter(Boolean)) total += cpuOf(Number(child))
  }
  return total
}

export type Sample = { rps: number; p50us: number; p99us: number; cpuUs: number; errors: number }

export type Load = { path: string; connections: number; script?: string }

/** One run of wrk against one proxy. */
export async function sample(
  wrk: string,
  env: NodeJS.ProcessEnv,
  proxy: Running,
  load: Load,
  seconds: number,
): Promise<Sample> {
  const pid = proxy.child.pid!
  const before = cpuOf(pid)
  const { stdout } = await run(
    'taskset',
    [
      '-c',
      '0',
      ...priority,
      wrk,
      '-t1',
      `-c${load.connections}`,
      `-d${seconds}s`,
      '--latency',
      '-H',
      'Host: bench.test',
      ...(load.script === undefined ? [] : ['-s', load.script]),
      `http://127.0.0.1:${proxy.port}${load.path}`,
    ],
    { env },
  )
  const cpu = cpuOf(pid) - before
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0)
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)
  const errors = (socketErrors?.slice(1) ?? []).reduce((sum, count) => sum + Number(count), 0)
  const non2xx = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0)
  return {
    rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0),
    p50us: microseconds(/50%\s+([\d.]+)(us|ms|s)/.exec(stdout)),
    p99us: microseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(stdout)),
    cpuUs: cpu / 1000 / Math.max(1, requests),
    errors: errors + non2xx,
  }
}

function microseconds(match: RegExpExecArray | null): number {
  const unit = match?.[2]
  return Number(match?.[1] ?? 0) * (unit === 's' ? 1e6 : unit === 'ms' ? 1e3 : 1)
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

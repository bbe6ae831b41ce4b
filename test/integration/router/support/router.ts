import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Redis } from 'ioredis'
import { type Route } from '../../../../src/model/route.ts'
import { readRouterStats } from '../../../../src/router/control.ts'
import { awaitSwitch, setRoutes } from '../../../../src/store/routes.ts'
import { freePort } from '../../../support/free-port.ts'
import { type TestRedis } from './redis.ts'

export { freePort }

const main = join(import.meta.dirname, '../../../../src/main/router.ts')

/** The real router process with its workers, in front of a Redis. */
export async function startRouter(
  redis: Pick<TestRedis, 'url' | 'directory'>,
  options: {
    workers?: number
    args?: string[]
    env?: NodeJS.ProcessEnv
    bare?: boolean
    /** Words that its command line is put behind. */
    through?: readonly string[]
  } = {},
) {
  const port = await freePort()
  const control = join(redis.directory, `control-${port}.sock`)
  const workers = options.workers ?? 2
  const standard = ['--redis', redis.url, '--listen', `127.0.0.1:${port}`, '--workers', String(workers)]
  const [program, ...args] = [
    ...(options.through ?? []),
    process.execPath,
    main,
    ...(options.bare === true ? [] : standard),
    '--control',
    control,
    ...(options.args ?? []),
  ]
  let log = ''
  const child: ChildProcess = spawn(program!, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  await eventually(() => child.exitCode !== null || log.includes('serving with'), 40_000)
  if (child.exitCode !== null) throw new Error(`the router ended: ${log}`)
  return {
    port,
    control,
    child,
    log: () => log,
    stats: () => readRouterStats(control),
    workerPids: async () => (await readRouterStats(control)).workers.map((worker) => worker.pid),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
        await once(child, 'exit')
        clearTimeout(timer)
      }
    },
  }
}

export type TestRouter = Awaited<ReturnType<typeof startRouter>>

/** Resolves once all workers serve by what Redis was told before: they hear of everything in order. */
export const heard = (redis: Redis): Promise<void> => change(redis, [])

/** Gives a host these backends; resolves once all workers serve by them. */
export const serve = (redis: Redis, host: string, ...backends: string[]): Promise<void> =>
  change(redis, [{ host, identifier: host, backends }])

async function change(redis: Redis, set: Route[]): Promise<void> {
  const version = await setRoutes(redis, { set, remove: [] })
  const { applied } = await awaitSwitch(redis, { version, backends: [], drainTimeoutMs: 20_000 })
  if (!applied) throw new Error('not all workers have heard of what Redis was told')
}

/** Waits until a condition holds; fails with what it threw last. */
export async function eventually(condition: () => unknown, timeoutMs = 20_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    let failure: unknown = new Error('the condition did not come true')
    try {
      if (await condition()) return
    } catch (error) {
      failure = error
    }
    if (performance.now() > deadline) throw failure
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export type RawAnswer = { status: number; head: string; body: string }

/** One request on a connection of its own, as raw text; the answer read until the router closes. */
export function ask(
  port: number,
  host: string,
  path = '/',
  more = '',
  method = 'GET',
  body = '',
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let text = ''
    socket.setTimeout(40_000, () =>
      socket.destroy(new Error(`no answer after ${JSON.stringify(text.slice(0, 100))}`)),
    )
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('error', reject)
    socket.on('end', () => {
      socket.destroy()
      const headEnd = text.indexOf('\r\n\r\n')
      if (headEnd === -1) reject(new Error(`closed after ${JSON.stringify(text)}`))
      else {
        const head = text.slice(0, headEnd)
        resolve({ status: Number(head.slice(9, 12)), head, body: text.slice(headEnd + 4) })
      }
    })
    const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`
    socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${length}${more}\r\n${body}`,
      'latin1',
    )
  })
}

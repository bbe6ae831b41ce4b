import { connect } from 'node:net'
import { z } from 'zod'
import { PaasError } from '../errors/paas-error.ts'
import { RouterStats } from './observe/stats.ts'

/** One request per connection to the router's control socket: a JSON line there, a JSON line back. */
export const ControlRequest = z.object({ op: z.enum(['stats', 'metrics', 'reload', 'reopen-logs']) })
export type ControlRequest = z.infer<typeof ControlRequest>

const ControlReply = z.union([z.object({ ok: z.unknown() }), z.object({ error: z.string() })])

/** What all workers have counted since they started. */
export async function readRouterStats(socketPath: string): Promise<RouterStats> {
  return RouterStats.parse(await ask(socketPath, { op: 'stats' }, 5000))
}

/** Prometheus text. */
export async function readRouterMetrics(socketPath: string): Promise<string> {
  return z.string().parse(await ask(socketPath, { op: 'metrics' }, 5000))
}

/** Replaces all workers; resolves once the new ones serve. The old ones finish what they have. */
export async function reloadRouter(socketPath: string): Promise<{ workers: number }> {
  return z.object({ workers: z.int() }).parse(await ask(socketPath, { op: 'reload' }, 60_000))
}

/** After the access log was moved away: goes on in a new file. */
export async function reopenRouterLogs(socketPath: string): Promise<void> {
  await ask(socketPath, { op: 'reopen-logs' }, 5000)
}

function ask(socketPath: string, request: ControlRequest, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    let text = ''
    const fail = (message: string): void => {
      socket.destroy()
      reject(new PaasError('ROUTER_UNREACHABLE', message, { hint: 'See `paas doctor`.' }))
    }
    socket.setTimeout(timeoutMs, () => fail('The router does not answer.'))
    socket.on('error', (error) => fail(`The router does not answer: ${error.message}.`))
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')))
    socket.on('end', () => {
      const reply = ControlReply.safeParse(parseJson(text))
      if (!reply.success) fail('The router closed the connection without an answer.')
      else if ('error' in reply.data) fail(reply.data.error)
      else resolve(reply.data.ok)
    })
    socket.write(`${JSON.stringify(request)}\n`)
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

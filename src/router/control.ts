import { connect } from 'node:net'
import { z } from 'zod'
import { type ErrorCode, errorCodes, PaasError } from '../errors/paas-error.ts'
import { RouterStats } from './observe/stats.ts'

/** One request per connection to the router's control socket: a JSON line there, a JSON line back. */
export const ControlRequest = z.object({ op: z.enum(['stats', 'metrics', 'reload', 'reopen-logs']) })
export type ControlRequest = z.infer<typeof ControlRequest>

export const ControlReply = z.union([
  z.object({
    error: z.string(),
    code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]).catch('INTERNAL'),
    hint: z.string().optional(),
  }),
  z.object({ ok: z.unknown() }),
])
export type ControlReply = z.infer<typeof ControlReply>

/** A worker that hangs is waited for 3 s, and one that is busy and has much to tell for longer. */
const answerMs = 30_000

/** Workers are replaced one after the other, each in up to half a minute, and a reload before may be going on. */
const reloadMs = 600_000

/** What all workers have counted since they started. */
export async function readRouterStats(socketPath: string): Promise<RouterStats> {
  return RouterStats.parse(await ask(socketPath, { op: 'stats' }, answerMs))
}

/** Prometheus text. */
export async function readRouterMetrics(socketPath: string): Promise<string> {
  return z.string().parse(await ask(socketPath, { op: 'metrics' }, answerMs))
}

/** Replaces all workers; resolves once the new ones serve. The old ones finish what they have. */
export async function reloadRouter(socketPath: string): Promise<{ workers: number }> {
  return z.object({ workers: z.int() }).parse(await ask(socketPath, { op: 'reload' }, reloadMs))
}

/** After the access log was moved away: goes on in a new file. */
export async function reopenRouterLogs(socketPath: string): Promise<void> {
  await ask(socketPath, { op: 'reopen-logs' }, 5000)
}

function ask(socketPath: string, request: ControlRequest, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    let text = ''
    const refuse = (message: string, code: ErrorCode, hint: string | undefined): void => {
      socket.destroy()
      reject(new PaasError(code, message, hint === undefined ? {} : { hint }))
    }
    const fail = (message: string): void => refuse(message, 'ROUTER_UNREACHABLE', 'See `paas doctor`.')
    socket.setEncoding('utf8')
    socket.setTimeout(timeoutMs, () => fail('The router does not answer.'))
    socket.on('error', (error) => fail(`The router does not answer: ${error.message}.`))
    socket.on('data', (chunk: string) => (text += chunk))
    socket.on('end', () => {
      const reply = ControlReply.safeParse(parseJson(text))
      if (!reply.success) fail('The router closed the connection without an answer.')
      else if ('error' in reply.data) refuse(reply.data.error, reply.data.code, reply.data.hint)
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

import { request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../errors/paas-error.ts'
import { attemptsOf, type Check } from '../model/check.ts'
import { type Container, type Scheduler } from '../schedulers/scheduler.ts'

export type Target = { container: Container; port: number; scheduler: Scheduler }

/**
 * Runs one check until it passes or its attempts are used up; then it throws an Error whose message completes
 * "web.1 …". What is checked follows from the check: a path is requested, a command is run, an uptime is
 * waited for, and with none of them the port must accept a connection, and at the start keep it.
 */
export async function probe(check: Check, target: Target, signal: AbortSignal): Promise<void> {
  await sleep(check.initialDelay * 1000, undefined, { signal })
  if (check.uptime !== undefined) {
    await sleep(check.uptime * 1000, undefined, { signal })
    if (check.path === undefined && check.command === undefined) return
  }
  let problem = ''
  // Quick first looks: most apps answer within a second, and nobody should wait a whole `wait` for them. A look
  // that itself took that long is an attempt like any other.
  const full = check.wait * 1000
  for (let attempt = 0, quick = 25; attempt < check.attempts;) {
    const began = performance.now()
    try {
      await probeOnce(check, target, signal)
      return
    } catch (error) {
      signal.throwIfAborted()
      problem = messageOf(error)
    }
    const wait = Math.min(quick, full)
    if (wait === full || performance.now() - began >= full) attempt++
    quick *= 1.5
    await sleep(wait, undefined, { signal })
  }
  throw new Error(
    `did not pass its check (${describe(check, target)}) in ${attemptsOf(check.attempts)}: ${problem}`,
  )
}

/** Runs one check once. Rejects with an Error that says what is wrong. */
export async function probeOnce(check: Check, target: Target, signal: AbortSignal): Promise<void> {
  const address = target.container.address
  const port = check.port ?? target.port
  const timed = AbortSignal.any([signal, AbortSignal.timeout(check.timeout * 1000)])
  if (check.command !== undefined) return runCommand(check.command, check.timeout, target)
  if (address === undefined) throw new Error('it has no address')
  if (check.path !== undefined) return answers(check, address, port, timed)
  return check.type === 'startup' ? serves(address, port, timed) : accepts(address, port, timed)
}

async function runCommand(
  command: string[],
  timeout: number,
  { container, scheduler }: Target,
): Promise<void> {
  const { code, output } = await scheduler.exec(container.id, command, timeout)
  if (code !== 0) throw new Error(`the command exited with ${code}: ${output.trim().slice(-200)}`)
}

function accepts(host: string, port: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect({ host, port, signal })
  socket.once('connect', () => resolve())
  socket.once('error', (error) => reject(readable(error)))
  return promise.finally(() => socket.destroy())
}

/**
 * A server may listen before the app is loaded (gunicorn does), and end when that fails. So it is asked for something:
 * any answer will do, and so will none in time, but a connection that is closed without one will not.
 */
async function serves(host: string, port: number, timed: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect({ host, port })
  let connected = false
  const late = (): void => {
    const reason = timed.reason as Error
    if (connected && reason.name === 'TimeoutError') resolve()
    else reject(readable(reason))
  }
  timed.addEventListener('abort', late, { once: true })
  socket.once('connect', () => {
    connected = true
    socket.write(`HEAD / HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: paas-check\r\nConnection: close\r\n\r\n`)
  })
  socket.once('data', () => resolve())
  socket.once('error', (error) => reject(readable(error)))
  socket.once('close', () => reject(new Error('the connection was closed without an answer')))
  return promise.finally(() => {
    timed.removeEventListener('abort', late)
    socket.destroy()
  })
}

async function answers(check: Check, host: string, port: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const headers = Object.fromEntries(check.httpHeaders.map(({ name, value }) => [name, value]))
  const sent = request(
    {
      host,
      port,
      path: check.path,
      headers: { 'user-agent': 'paas-check', ...headers },
      agent: false,
      signal,
    },
    (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        if (body.length < 1024 * 1024) body += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.once('error', reject)
    },
  )
  sent.once('error', (error) => reject(readable(error)))
  sent.end()
  const { status, body } = await promise
  const expected = check.status === undefined ? status >= 200 && status < 400 : status === check.status
  if (!expected) throw new Error(`the answer was ${status}, wanted ${check.status ?? '200 to 399'}`)
  if (check.content !== undefined && !body.includes(check.content)) {
    throw new Error(`the body does not contain ${JSON.stringify(check.content)}`)
  }
}

function readable(error: Error & { code?: string }): Error {
  if (error.code === 'ECONNREFUSED') return new Error('the connection was refused')
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return new Error('no answer in time')
  return error
}

function describe(check: Check, { port }: Target): string {
  if (check.command !== undefined) return check.command.join(' ')
  return check.path === undefined
    ? `port ${check.port ?? port}`
    : `GET ${check.path} on port ${check.port ?? port}`
}

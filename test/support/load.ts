import { createHash, randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** What came of a load: every request is either complete and right, or a failure. */
export type LoadReport = {
  sent: number
  failures: string[]
  /** Connections that were made; no more than asked for while nobody closes one. */
  connections: number
  /** Answers by the version of the app that gave them, of requests that ask for it. */
  versions: Map<string, number>
  /** Answers of another app than the one that was asked. */
  crossed: string[]
  /** Milliseconds from when a quick request was due to the end of its answer. */
  latency: { median: number; p99: number; most: number }
}

export type Load = { sent: () => number; stop: () => Promise<LoadReport> }

type Exchange = {
  method: 'GET' | 'POST'
  path: string
  body?: Buffer
  /** What is wrong with the answer's body; undefined where nothing is. */
  problem: (body: string) => string | undefined
}

/**
 * Requests at a constant rate over keep-alive connections, whatever becomes of those before (an open loop, so a
 * server that stalls is not asked less). To an app made of test/apps/probe: most ask who it is, some post a body
 * whose digest must come back, some take long, some are answered with many bytes.
 */
export function startLoad(options: {
  port: number
  host: string
  perSecond: number
  connections: number
  /** How every answer of this app begins to say who gave it: test/apps/probe puts its version into a header. */
  owner?: string
}): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections, scheduling: 'fifo' })
  const versions = new Map<string, number>()
  const failures: string[] = []
  const crossed: string[] = []
  const latencies: number[] = []
  const sockets = new WeakSet<object>()
  const running = new Set<Promise<void>>()
  let connections = 0
  let sent = 0

  function exchange(number: number): Exchange {
    const at = number % 20
    if (at < 3) {
      const body = randomBytes(1 + ((number * 7919) % 48_000))
      const digest = createHash('sha256').update(body).digest('hex')
      return { method: 'POST', path: '/digest', body, problem: (text) => different(text, digest) }
    }
    if (at === 3) {
      const ms = 100 + ((number * 31) % 900)
      return { method: 'GET', path: `/slow?ms=${ms}`, problem: (text) => different(text, `waited ${ms}`) }
    }
    if (at === 4) {
      const count = 1 + ((number * 104_729) % 100_000)
      const problem = (text: string) => different(text, 'x'.repeat(count))
      return { method: 'GET', path: `/letters?count=${count}`, problem }
    }
    return { method: 'GET', path: '/facts', problem: countVersion }
  }

  function countVersion(text: string): string | undefined {
    try {
      const { version } = JSON.parse(text) as { version: string }
      versions.set(version, (versions.get(version) ?? 0) + 1)
      return undefined
    } catch {
      return `not the facts: ${text.slice(0, 80)}`
    }
  }

  function send({ method, path, body, problem }: Exchange, due: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const fail = (what: string): void => {
      failures.push(`${new Date().toISOString().slice(14, 23)} ${method} ${path}: ${what}`)
      resolve()
    }
    const { port, host } = options
    const headers = { host, ...(body && { 'content-length': body.length }) }
    const outgoing = request(
      { host: '127.0.0.1', port, method, path, headers, agent, timeout: 20_000 },
      (response) => {
        let text = ''
        const from = response.headers['x-probe']
        if (typeof from === 'string' && options.owner !== undefined && !from.startsWith(options.owner)) {
          crossed.push(`${method} ${path} to ${options.owner} was answered by ${from}`)
        }
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.once('error', (error) => fail(`the answer broke off: ${error.message}`))
        response.once('end', () => {
          const wrong = response.statusCode === 200 ? problem(text) : `status ${response.statusCode}`
          if (wrong !== undefined) return fail(wrong)
          if (path === '/facts') latencies.push(performance.now() - due)
          resolve()
        })
      },
    )
    outgoing.once('socket', (socket) => {
      if (!sockets.has(socket)) connections++
      sockets.add(socket)
    })
    outgoing.once('timeout', () => outgoing.destroy(new Error('no answer within 20 s')))
    outgoing.once('error', (error) => fail(error.message))
    outgoing.end(body)
    return promise
  }

  const began = performance.now()
  const timer = setInterval(() => {
    while (performance.now() - began > (sent * 1000) / options.perSecond) {
      const due = began + (sent * 1000) / options.perSecond
      const done = send(exchange(sent), due).finally(() => running.delete(done))
      running.add(done)
      sent++
    }
  }, 5)

  return {
    sent: () => sent,
    async stop() {
      clearInterval(timer)
      await Promise.race([Promise.all(running), sleep(25_000)])
      agent.destroy()
      const sorted = latencies.toSorted((a, b) => a - b)
      const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
      const latency = { median: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? Number.NaN }
      const lost = Array.from(running, () => 'never answered')
      return { sent, failures: [...failures, ...lost], connections, versions, crossed, latency }
    },
  }
}

function different(found: string, wanted: string): string | undefined {
  if (found === wanted) return undefined
  return `the body is ${found.length} characters (${found.slice(0, 40)}), wanted ${wanted.length}`
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { startRedis } from '../../integration/router/support/redis.ts'
import { startRouter } from '../../integration/router/support/router.ts'

/** What 2,000 slow clients and header bombs cost others: rounds with them and without, one after the other. */
const [count, rounds, secondsEach, perSecond] = [2000, 5, 5, 400]
const host = 'app.test'
const app = `
const { createServer } = require('node:http')
createServer((request, response) => {
  if (request.url.startsWith('/letters')) return void response.end('x'.repeat(300000))
  request.resume()
  request.on('end', () => response.end('ok'))
}).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`

type Figures = { p50: number; p99: number; most: number; late: number }

/** Requests at a constant rate, from when each was sent; `late`: by how much they were sent after their time, p99. */
async function measure(port: number): Promise<Figures> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8, scheduling: 'fifo' })
  const [latencies, delays]: [number[], number[]] = [[], []]
  const running = new Set<Promise<void>>()
  const began = performance.now()
  for (let sent = 0; sent < secondsEach * perSecond;) {
    const due = began + (sent * 1000) / perSecond
    if (performance.now() < due) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      continue
    }
    sent++
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const from = performance.now()
    delays.push(from - due)
    request({ host: '127.0.0.1', port, headers: { host }, agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`))
      response.resume().once('end', () => {
        latencies.push(performance.now() - from)
        resolve()
      })
    })
      .once('error', reject)
      .end()
    running.add(promise)
  }
  await Promise.all(running)
  agent.destroy()
  const at = (all: number[], share: number): number =>
    all.toSorted((a, b) => a - b)[Math.ceil(all.length * share) - 1]!
  return { p50: at(latencies, 0.5), p99: at(latencies, 0.99), most: at(latencies, 1), late: at(delays, 0.99) }
}

async function startSlow(port: number): Promise<ChildProcess> {
  const script = join(import.meta.dirname, '../../support/slow-clients.ts')
  const child = spawn(process.execPath, [script, String(port), host, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

const median = (numbers: number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
const shown = (all: Figures[], key: keyof Figures): string => median(all.map((one) => one[key])).toFixed(2)

await using redis = await startRedis()
const backend = spawn(process.execPath, ['-e', app], { stdio: ['ignore', 'pipe', 'inherit'] })
const [line] = (await once(backend.stdout, 'data')) as [Buffer]
await redis.client.rpush(`frontend:${host}`, host, `http://127.0.0.1:${line.toString().trim()}`)
await using router = await startRouter(redis)
await measure(router.port)

const quiet: Figures[] = []
const beside: Figures[] = []
let rss = 0
for (let round = 0; round < rounds; round++) {
  quiet.push(await measure(router.port))
  const slow = await startSlow(router.port)
  beside.push(await measure(router.port))
  const { workers } = await router.stats()
  rss = Math.max(rss, ...workers.map(({ rssBytes }) => rssBytes))
  slow.kill('SIGKILL')
  await once(slow, 'exit')
  await new Promise((resolve) => setTimeout(resolve, 1000))
}
backend.kill()
console.log(`medians of ${rounds} rounds of ${secondsEach} s, ${perSecond} requests/s, ms`)
console.log('              p50    p99    most   sent late (p99)')
for (const [name, all] of [
  ['quiet', quiet],
  [`${count} slow`, beside],
] as const) {
  const keys = ['p50', 'p99', 'most', 'late'] as const
  console.log(`${name.padEnd(12)} ${keys.map((key) => shown(all, key).padStart(6)).join(' ')}`)
}
console.log(
  `p99 by round: quiet ${quiet.map(({ p99 }) => p99.toFixed(1)).join(' ')}; beside ${beside.map(({ p99 }) => p99.toFixed(1)).join(' ')}`,
)
console.log(`largest worker ${(rss / 1024 ** 2).toFixed(0)} MiB`)

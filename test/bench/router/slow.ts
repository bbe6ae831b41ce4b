import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { startRedis } from '../../integration/router/support/redis.ts'
import { startRouter } from '../../integration/router/support/router.ts'
import { type Figures, requestsAt } from './constant-rate.ts'
import { median } from './measure.ts'

/** What 2,000 slow clients and header bombs cost others: rounds with them and without, one after the other. */
const [count, rounds] = [2000, 5]
const rate = { seconds: 5, perSecond: 400 }
const host = 'app.test'
const app = `
const { createServer } = require('node:http')
createServer((request, response) => {
  if (request.url.startsWith('/letters')) return void response.end('x'.repeat(300000))
  request.resume()
  request.on('end', () => response.end('ok'))
}).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`

async function startSlow(port: number): Promise<ChildProcess> {
  const script = join(import.meta.dirname, '../../support/slow-clients.ts')
  const child = spawn(process.execPath, [script, String(port), host, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

const shown = (all: Figures[], key: keyof Figures): string => median(all.map((one) => one[key])).toFixed(2)

await using redis = await startRedis()
const backend = spawn(process.execPath, ['-e', app], { stdio: ['ignore', 'pipe', 'inherit'] })
const [line] = (await once(backend.stdout, 'data')) as [Buffer]
await redis.client.rpush(`frontend:${host}`, host, `http://127.0.0.1:${line.toString().trim()}`)
await using router = await startRouter(redis)
await requestsAt(rate, router.port, host)

const quiet: Figures[] = []
const beside: Figures[] = []
let rss = 0
for (let round = 0; round < rounds; round++) {
  quiet.push(await requestsAt(rate, router.port, host))
  const slow = await startSlow(router.port)
  beside.push(await requestsAt(rate, router.port, host))
  const { workers } = await router.stats()
  rss = Math.max(rss, ...workers.map(({ rssBytes }) => rssBytes))
  slow.kill('SIGKILL')
  await once(slow, 'exit')
  await new Promise((resolve) => setTimeout(resolve, 1000))
}
backend.kill()
console.log(`medians of ${rounds} rounds of ${rate.seconds} s, ${rate.perSecond} requests/s, ms`)
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

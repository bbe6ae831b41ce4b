import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { startRedis } from '../../integration/router/support/redis.ts'
import { freePort, startRouter } from '../../integration/router/support/router.ts'
import { type Figures, requestsAt } from './constant-rate.ts'

/** What it costs others, and in memory, to ask for the metrics of 100,000 hosts that all have had requests. */
const [hosts, backends, rounds] = [100_000, 1000, 5]
const rate = { seconds: 5, perSecond: 400 }
const app = `
const { createServer } = require('node:http')
createServer((_, response) => response.end('ok')).listen(0, '0.0.0.0', function () { console.log(this.address().port) })`
const hostOf = (i: number): string => `app-${i}.test`

await using redis = await startRedis()
const backend = spawn(process.execPath, ['-e', app], { stdio: ['ignore', 'pipe', 'inherit'] })
const [line] = (await once(backend.stdout, 'data')) as [Buffer]
for (let i = 0; i < hosts; i += 1000) {
  const pipeline = redis.client.pipeline()
  for (let j = i; j < i + 1000; j += 1) {
    const [high, low] = [Math.floor((j % backends) / 250), (j % 250) + 1]
    pipeline.rpush(`frontend:${hostOf(j)}`, 'app', `http://127.0.${high}.${low}:${line.toString().trim()}`)
  }
  await pipeline.exec()
}
const metricsPort = await freePort()
await using router = await startRouter(redis, { workers: 1, args: ['--metrics', `127.0.0.1:${metricsPort}`] })

async function rssOfWorker(): Promise<number> {
  const { workers } = await router.stats()
  return Math.max(...workers.map(({ rssBytes }) => rssBytes)) / 1024 ** 2
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 })
let next = 0
async function askTheRest(): Promise<void> {
  while (next < hosts) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    get({ port: router.port, headers: { host: hostOf(next++) }, agent }, (response) => {
      response.resume().once('end', resolve)
    }).once('error', reject)
    await promise
  }
}
await Promise.all(Array.from({ length: 32 }, askTheRest))
agent.destroy()
await requestsAt(rate, router.port, hostOf(0))

const show = (name: string, all: Figures[]): void =>
  console.log(
    `${name}: p99 ${all.map(({ p99 }) => p99.toFixed(1)).join(' ')}; most ${all.map(({ most }) => most.toFixed(1)).join(' ')} ms`,
  )
const quiet: Figures[] = []
const beside: Figures[] = []
for (let round = 0; round < rounds; round += 1) {
  quiet.push(await requestsAt(rate, router.port, hostOf(0)))
  const scrape = spawn('curl', ['-s', '-o', '/dev/null', `http://127.0.0.1:${metricsPort}/metrics`])
  beside.push(await requestsAt(rate, router.port, hostOf(0)))
  if (scrape.exitCode === null) await once(scrape, 'exit')
}
backend.kill()
show('quiet', quiet)
show('beside', beside)
console.log(`worker ${(await rssOfWorker()).toFixed(0)} MiB`)

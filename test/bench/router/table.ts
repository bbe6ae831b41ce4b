import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Redis } from 'ioredis'
import { createRouteTable } from '../../../src/router/table/route-table.ts'
import { createSync } from '../../../src/router/table/sync.ts'
import { parseRedisUrl } from '../../../src/store/redis-target.ts'
import { openRouteFeed } from '../../../src/store/route-feed.ts'
import { setRoutes } from '../../../src/store/routes.ts'
import { median } from './measure.ts'

/** The route table with 100,000 hosts: memory, full sync, look-up, and how soon a change is there. */
const hosts = 100_000
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const directory = await mkdtemp(join(tmpdir(), 'paas-table-'))
const socket = join(directory, 'redis.sock')
const server = spawn(
  'redis-server',
  ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', directory, '--notify-keyspace-events', 'KA'],
  { stdio: 'ignore' },
)
const redis = new Redis({ path: socket, maxRetriesPerRequest: null })
redis.on('error', () => undefined)
for (let i = 0; i < hosts; i += 1000) {
  const pipeline = redis.pipeline()
  for (let j = i; j < i + 1000; j += 1) {
    pipeline.rpush(
      `frontend:app-${j}.example.com`,
      `app-${j}`,
      `http://172.30.${(j >> 8) & 255}.${j & 255}:5000`,
    )
  }
  await pipeline.exec()
}

const target = parseRedisUrl(`redis+unix://${socket}`)
const table = createRouteTable(
  () => undefined,
  () => undefined,
)
collect()
const heapBefore = process.memoryUsage().heapUsed
let applied: (version: number) => void = () => undefined
const started = performance.now()
const feed = openRouteFeed(
  { read: target, write: target },
  {
    onConnected: () => sync.wantFull(),
    onChanged: (changed, version) => sync.changed(changed, version),
    onError: (message) => console.error(message),
  },
  { mayConfigure: false },
)
const sync = createSync(feed, table, 'least', {
  applied: (version) => applied(version),
  healthcheck: () => undefined,
  changed: () => undefined,
  problem: (message) => console.error(message),
})
await new Promise<void>((resolve) => (applied = () => resolve()))
const syncMs = performance.now() - started
collect()
const megabytes = (process.memoryUsage().heapUsed - heapBefore) / 1024 / 1024

const names = Array.from({ length: 1000 }, (_, i) => `app-${(i * 97) % hosts}.example.com`)
const lookups: number[] = []
for (let round = 0; round < 50; round += 1) {
  const before = performance.now()
  for (let i = 0; i < 10_000; i += 1) table.lookup(Buffer.from(names[i % 1000]!).toString('latin1'))
  lookups.push(((performance.now() - before) / 10_000) * 1000)
}

const delays: number[] = []
for (let i = 0; i < 300; i += 1) {
  const host = `app-${i}.example.com`
  const visible = new Promise<number>((resolve) => (applied = () => resolve(performance.now())))
  const before = performance.now()
  await setRoutes(redis, { set: [{ host, identifier: 'x', backends: ['http://10.0.0.1:1'] }], remove: [] })
  delays.push((await visible) - before)
}
delays.sort((x, y) => x - y)

console.log(`hosts ${table.size()}`)
console.log(`full sync ${Math.round(syncMs)} ms`)
console.log(`table ${megabytes.toFixed(1)} MB`)
console.log(`look-up, with making the string ${median(lookups).toFixed(3)} µs`)
console.log(
  `change visible p50 ${median(delays).toFixed(1)} ms, p99 ${delays[Math.floor(delays.length * 0.99)]!.toFixed(1)} ms`,
)
feed.close()
redis.disconnect()
server.kill()
await rm(directory, { recursive: true, force: true })

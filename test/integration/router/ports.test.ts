import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mustRun, run } from '../../support/process.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { eventually, startRouter, type TestRouter } from './support/router.ts'

/** Ports that the router has to connect from, for each of two backends. */
const ports = 16
const [ours, theirs] = ['10.253.79.1', '10.253.79.2']
const link = `pp${process.pid}`
const app = `
const { createServer } = require('node:http')
createServer((q, s) => setTimeout(() => s.end('ok'), q.url === '/slow' ? 1500 : 0)).listen(4000)`

let holder: ChildProcess
let backend: ChildProcess
let redis: TestRedis
let router: TestRouter

/** The router and an app in a network namespace with next to no ports; clients come by a link from outside. */
beforeAll(async () => {
  const range = `ip link set lo up && echo 40001 ${40_000 + ports} >/proc/sys/net/ipv4/ip_local_port_range`
  const script = `${range} && echo ready && exec sleep infinity`
  holder = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(holder.stdout!, 'data')
  const through = ['nsenter', `--net=/proc/${holder.pid}/ns/net`, '--']
  const inside = (...words: string[]): Promise<string> =>
    mustRun(through[0]!, [...through.slice(1), ...words])
  await mustRun('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'out', 'netns', `${holder.pid}`])
  await mustRun('ip', ['address', 'add', `${ours}/24`, 'dev', link])
  await mustRun('ip', ['link', 'set', link, 'up'])
  await inside('ip', 'address', 'add', `${theirs}/24`, 'dev', 'out')
  await inside('ip', 'link', 'set', 'out', 'up')
  backend = spawn(through[0]!, [...through.slice(1), process.execPath, '-e', app], { stdio: 'inherit' })
  redis = await startRedis()
  await redis.client.rpush('frontend:app.test', 'app', 'http://127.0.0.1:4000', 'http://127.0.0.2:4000')
  router = await startRouter(redis, {
    bare: true,
    args: ['--redis', redis.url, '--listen', `${theirs}:80`, '--workers', '2'],
    through,
  })
  await eventually(async () => (await status('/')) === 200)
})
afterAll(async () => {
  await router[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
  backend.kill()
  holder.kill('SIGKILL')
  await run('ip', ['link', 'delete', link])
})

const agent = new Agent({ keepAlive: false, maxSockets: Infinity })

/** The status of an answer; 0 where the connection broke off. */
function status(path: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  request({ host: theirs, path, headers: { host: 'app.test' }, agent }, (response) => {
    response.resume().once('end', () => resolve(response.statusCode!))
  })
    .once('error', () => resolve(0))
    .end()
  return promise
}

test('no ports left to connect from: 503 at once and no backend is blamed; all is well within 5 s', async () => {
  const workers = await router.workerPids()
  const began = performance.now()
  const slow = Array.from({ length: 100 }, () => status('/slow'))
  const refused = Promise.race(
    slow.map(async (answer) => ((await answer) === 503 ? answer : new Promise(() => {}))),
  )
  await refused
  expect(performance.now() - began).toBeLessThan(4500)
  const answers = await Promise.all(slow)
  expect(new Set(answers)).toEqual(new Set([200, 503]))
  expect(answers.filter((one) => one === 200).length).toBeGreaterThanOrEqual(ports)

  const freed = performance.now()
  await eventually(async () => {
    const again = await Promise.all(Array.from({ length: 20 }, () => status('/')))
    return again.every((one) => one === 200)
  })
  expect(performance.now() - freed).toBeLessThan(8000)
  const { backends } = await router.stats()
  expect(Object.values(backends).map(({ ejected }) => ejected)).toEqual([null, null])
  expect(await redis.client.keys('dead:*')).toEqual([])
  expect(await router.workerPids()).toEqual(workers)
})

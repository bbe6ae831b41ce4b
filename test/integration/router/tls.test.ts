import { copyFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../support/process.ts'
import { type Backend, startBackend } from './support/backend.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { ask, eventually, freePort, startRouter, type TestRouter } from './support/router.ts'
import { makeCertificate } from './support/tls.ts'

let redis: TestRedis
let router: TestRouter
let backend: Backend
let ports: { http: number; https: number }
let pem: { key: string; cert: string }
beforeAll(async () => {
  redis = await startRedis()
  pem = makeCertificate(redis.directory)
  ports = { http: await freePort(), https: await freePort() }
  backend = await startBackend('app', (req, res) => {
    if (req.url === '/whole') res.end('whole')
    else if (req.url === '/cut') {
      res.write('part')
      setTimeout(() => res.destroy(), 50)
    } else return false
    return true
  })
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  const config = {
    server: { accessLog: join(redis.directory, 'access.log'), workers: 2 },
    http: { port: ports.http },
    https: { bind: '127.0.0.1', port: ports.https, ...pem },
    driver: [redis.url],
  }
  const file = join(redis.directory, 'config.json')
  writeFileSync(file, JSON.stringify(config))
  router = await startRouter(redis, { bare: true, args: ['--hipache-config', file] })
})
afterAll(async () => {
  await router[Symbol.asyncDispose]()
  backend.close()
  await redis[Symbol.asyncDispose]()
})

/** OpenSSL complains of an end that nobody has announced. */
async function cleanlyEnded(path: string): Promise<boolean> {
  const { output } = await run(
    'openssl',
    ['s_client', '-quiet', '-ign_eof', '-connect', `127.0.0.1:${ports.https}`],
    { input: `GET ${path} HTTP/1.0\r\nHost: app.test\r\n\r\n` },
  )
  expect(output).toContain('HTTP/1.1 200 OK')
  return !output.includes('unexpected eof')
}

test('the end of an answer without a length is announced, that of a cut one is not', async () => {
  for (let i = 0; i < 5; i += 1) {
    expect(await cleanlyEnded('/whole')).toBe(true)
    expect(await cleanlyEnded('/cut')).toBe(false)
  }
})

const dial = (protocols: string[], socket = connect(ports.https, '127.0.0.1')): TLSSocket =>
  connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: protocols })

test('clients that offer HTTP/1.0 are served, and those that offer no protocol that is spoken here are not', async () => {
  for (const protocols of [['http/1.0'], ['h2', 'http/1.1']]) {
    const socket = dial(protocols)
    socket.end('GET / HTTP/1.0\r\nHost: app.test\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  }
  const refused = dial(['h2'])
  await expect(new Promise((_, reject) => refused.on('error', reject))).rejects.toThrow(/alert/)
})

test('who shakes hands during a reload is served', { timeout: 30_000 }, async () => {
  const pids = await router.workerPids()
  const early = Array.from({ length: 10 }, () => connect(ports.https, '127.0.0.1'))
  await sleep(100)
  router.child.kill('SIGHUP')
  await eventually(async () => (await router.workerPids()).every((pid) => !pids.includes(pid)), 20_000)
  const answers = early.map(async (plain) => {
    const socket = dial(['http/1.1'], plain)
    socket.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return text.slice(0, 15)
  })
  expect(await Promise.all(answers)).toEqual(early.map(() => 'HTTP/1.1 200 OK'))
})

test('a certificate that is being replaced is taken by a reload alone', { timeout: 30_000 }, async () => {
  const other = makeCertificate(redis.directory, 'other')
  // The new one beside the old key.
  copyFileSync(other.cert, pem.cert)
  const pids = await router.workerPids()
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await eventually(
    async () => (await router.workerPids()).filter((pid) => !pids.includes(pid)).length === 2,
    10_000,
  )
  expect((await ask(ports.http, 'app.test')).status).toBe(200)
  expect(await cleanlyEnded('/whole')).toBe(true)
  router.child.kill('SIGHUP')
  await eventually(() => router.log().includes('the present ones go on'), 10_000)
  expect(await cleanlyEnded('/whole')).toBe(true)
  copyFileSync(other.key, pem.key)
  const before = await router.workerPids()
  router.child.kill('SIGHUP')
  await eventually(async () => (await router.workerPids()).every((pid) => !before.includes(pid)), 10_000)
  expect(await cleanlyEnded('/whole')).toBe(true)
})

import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readRouterMetrics, reloadRouter } from '../../../src/router/control.ts'
import { awaitSwitch, readWorkers, setRoutes } from '../../../src/store/routes.ts'
import { type Backend, startBackend } from './support/backend.ts'
import { openLoad } from './support/load.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { ask, eventually, freePort, startRouter } from './support/router.ts'

let redis: TestRedis
let backend: Backend
beforeAll(async () => {
  redis = await startRedis()
  backend = await startBackend('served')
})
afterAll(async () => {
  backend.close()
  await redis[Symbol.asyncDispose]()
})

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

test('workers that follow others while Redis is away know the routes', async () => {
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  const router = await startRouter(redis)
  await sleep(300)
  await redis.stop()
  const before = await router.workerPids()
  router.child.kill('SIGHUP')
  await eventually(async () => (await router.workerPids()).every((pid) => !before.includes(pid)))
  for (let i = 0; i < 10; i += 1) expect((await ask(router.port, 'app.test')).status).toBe(200)
  process.kill((await router.workerPids())[0]!, 'SIGKILL')
  for (let i = 0; i < 30; i += 1) {
    // The one that was killed takes what it had with it, and nothing else fails.
    expect((await ask(router.port, 'app.test').catch(() => ({ status: 0 }))).status).not.toBe(503)
    await sleep(50)
  }
  await router[Symbol.asyncDispose]()
  await redis.start()
})

test(
  'who takes a killed one’s place does not serve by a snapshot that is behind',
  { timeout: 60_000 },
  async () => {
    await using own = await startRedis()
    using old = await startBackend('old')
    const some = (host: string, url: string) => ({ host, identifier: 'app', backends: [url] })
    for (let i = 0; i < 10; i += 1) {
      const set = Array.from({ length: 10_000 }, (_, n) => some(`host-${i}-${n}.test`, 'http://10.0.0.1:1'))
      await setRoutes(own.client, { set, remove: [] })
    }
    await setRoutes(own.client, { set: [some('app.test', old.url)], remove: [] })
    const snapshot = join(own.directory, 'routes.json')
    await using router = await startRouter(own, { workers: 1, args: ['--snapshot', snapshot] })
    await eventually(() => readFileSync(snapshot, 'utf8').includes(old.url), 40_000)
    await setRoutes(own.client, { set: [some('another.test', old.url)], remove: [] })
    await eventually(() => readFileSync(snapshot, 'utf8').includes('another.test'), 40_000)
    // The next one is not written before some time.
    const version = await setRoutes(own.client, { set: [some('app.test', backend.url)], remove: [] })
    const drainTimeoutMs = 20_000
    expect(await awaitSwitch(own.client, { version, backends: [], drainTimeoutMs })).toMatchObject({
      applied: true,
    })
    expect(readFileSync(snapshot, 'utf8')).not.toContain(backend.url)
    process.kill((await router.workerPids())[0]!, 'SIGKILL')
    await eventually(async () => {
      const answer = await ask(router.port, 'app.test').catch(() => undefined)
      if (answer?.status === 200) expect(answer.body).toBe('served')
      return answer?.status === 200
    })
    expect(old.seen).toEqual([])
  },
)

test('a place whose worker ends during a reload that fails is filled', async () => {
  await redis.client.del('frontend:app.test')
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  const router = await startRouter(redis, { workers: 1 })
  const pid = router.child.pid!
  const [old] = childrenOf(pid)
  router.child.kill('SIGHUP')
  await eventually(() => childrenOf(pid).length === 2)
  const young = childrenOf(pid).find((one) => one !== old)!
  process.kill(old!, 'SIGKILL')
  await eventually(() => !existsSync(`/proc/${old}`))
  process.kill(young, 'SIGKILL')
  await eventually(async () => (await ask(router.port, 'app.test')).status === 200)
  await eventually(() => childrenOf(pid).length === 1)
  await router[Symbol.asyncDispose]()
})

test('a file that is broken meanwhile is of no account until a reload, which it fails', async () => {
  await redis.client.del('frontend:app.test')
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  const port = await freePort()
  const file = join(redis.directory, 'config.json')
  const server = { accessLog: join(redis.directory, 'access.log'), workers: 1 }
  // More than one variable of an environment holds.
  const long = ' '.repeat(300_000)
  writeFileSync(file, `${JSON.stringify({ server, http: { port }, driver: [redis.url] })}${long}`)
  const router = await startRouter(redis, { bare: true, args: ['--hipache-config', file] })
  writeFileSync(file, '{ broken')
  // Nor can the log be had, as root is not to write to what others may have given another name.
  linkSync(server.accessLog, `${server.accessLog}.1`)
  process.kill((await router.workerPids())[0]!, 'SIGKILL')
  const status = async (): Promise<number> =>
    (await ask(port, 'app.test').catch(() => ({ status: 0 }))).status
  await eventually(async () => (await status()) === 200)
  expect(router.log()).toContain('access.log has other names: remove it')
  rmSync(server.accessLog)
  router.child.kill('SIGUSR1')
  await eventually(() => existsSync(server.accessLog))
  expect(await status()).toBe(200)
  await eventually(() => readFileSync(server.accessLog, 'utf8').includes('"GET / HTTP/1.1" 200'))
  router.child.kill('SIGHUP')
  await eventually(() => router.log().includes('cannot be read as JSON'))
  expect(await status()).toBe(200)
  // Nor does it take one whose Redis cannot be read.
  writeFileSync(file, JSON.stringify({ server, http: { port }, driver: ['redis://127.0.0.1:1'] }))
  router.child.kill('SIGHUP')
  await eventually(() => router.log().includes('the present ones go on'))
  expect(await status()).toBe(200)
  // And one that is in order is taken into use.
  writeFileSync(
    file,
    JSON.stringify({ server: { ...server, retryOnError: 0 }, http: { port }, driver: [redis.url] }),
  )
  const before = await router.workerPids()
  router.child.kill('SIGHUP')
  await eventually(async () => (await router.workerPids()).every((pid) => !before.includes(pid)))
  expect(await status()).toBe(200)
  await router[Symbol.asyncDispose]()
})

test.for([1, 2])(
  'no counter falls when one of %i is replaced or killed',
  { timeout: 60_000 },
  async (workers) => {
    await redis.client.del('frontend:app.test')
    await redis.client.rpush('frontend:app.test', 'app', backend.url)
    const router = await startRouter(redis, { workers })
    const asked = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i += 1) expect((await ask(router.port, 'app.test')).status).toBe(200)
    }
    let counted = 0
    const counters = async (): Promise<number> => {
      const metrics = await readRouterMetrics(router.control)
      const values = [
        /^paas_router_answers_total\{status="2xx"\} (\d+)$/m,
        /^paas_router_requests_total\{host="app.test",status="2xx"\} (\d+)$/m,
        /^paas_router_backend_requests_total\{.*,status="2xx"\} (\d+)$/m,
        /^paas_router_request_duration_seconds_count\{.*\} (\d+)$/m,
      ].map((pattern) => Number(pattern.exec(metrics)?.[1]))
      expect(values).toEqual(values.map(() => values[0]))
      expect(values[0]).toBeGreaterThanOrEqual(counted)
      return (counted = values[0]!)
    }
    const gone = (pids: readonly number[]) => async (): Promise<boolean> => {
      await counters()
      return pids.every((pid) => !existsSync(`/proc/${pid}`))
    }
    await asked(20)
    expect(await counters()).toBe(20)
    await asked(20)
    const pids = await router.workerPids()
    router.child.kill('SIGHUP')
    await eventually(gone(pids), 30_000)
    expect(await counters()).toBe(40)
    const [killed] = await router.workerPids()
    process.kill(killed!, 'SIGKILL')
    await eventually(gone([killed!]))
    await eventually(async () => {
      await counters()
      return (await router.workerPids()).length === workers
    })
    await asked(5)
    expect(await counters()).toBe(45)
    expect(await router.stats()).toMatchObject({ total: { requests: 45, inFlight: 0 } })
    // What those have counted that have ended goes with what the others have.
    const ofHost = async (): Promise<number> => {
      const metrics = await readRouterMetrics(router.control)
      return Number(
        /^paas_router_requests_total\{host="app.test",status="2xx"\} (\d+)$/m.exec(metrics)?.[1] ?? 0,
      )
    }
    await redis.client.del('frontend:app.test')
    const seen = new Set<number>()
    await eventually(async () => seen.add(await ofHost()).has(0))
    expect([45, 0]).toEqual(expect.arrayContaining([...seen]))
    await router[Symbol.asyncDispose]()
  },
)

test('a changed number of workers and another access log are taken into use', async () => {
  await redis.client.del('frontend:app.test')
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  chmodSync(redis.directory, 0o755)
  const port = await freePort()
  const file = join(redis.directory, 'grows.json')
  const logs = join(redis.directory, 'logs')
  mkdirSync(logs)
  const write = (workers: number, accessLog: string): void => {
    const server = { accessLog: join(logs, accessLog), workers }
    writeFileSync(
      file,
      JSON.stringify({ server, http: { port }, driver: [redis.url], user: 'nobody', group: 'nogroup' }),
    )
  }
  write(1, 'a.log')
  // Workers that are not root read Redis all the same.
  chmodSync(redis.socket, 0o777)
  const router = await startRouter(redis, { bare: true, args: ['--hipache-config', file] })
  const steps: [number, string][] = [
    [3, 'b.log'],
    [1, 'c.log'],
  ]
  for (const [workers, log] of steps) {
    write(workers, log)
    await reloadRouter(router.control)
    expect(await router.workerPids()).toHaveLength(workers)
    const path = join(logs, log)
    renameSync(path, `${path}.1`)
    router.child.kill('SIGUSR1')
    await eventually(() => existsSync(path))
    expect((await ask(port, 'app.test')).status).toBe(200)
    await eventually(() => readFileSync(path, 'utf8').includes('"GET / HTTP/1.1" 200'))
  }
  // Also where a reload is going on that has read what was before.
  const present = childrenOf(router.child.pid!).length
  const first = reloadRouter(router.control)
  await eventually(() => childrenOf(router.child.pid!).length > present)
  write(2, 'd.log')
  expect(await reloadRouter(router.control)).toEqual({ workers: 2 })
  expect(await first).toEqual({ workers: 1 })
  expect(existsSync(join(logs, 'd.log'))).toBe(true)
  await router[Symbol.asyncDispose]()
})

test('a WebSocket outlives every limit, a reload and a hundred others', async () => {
  await redis.client.del('frontend:app.test')
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  const port = await freePort()
  const file = join(redis.directory, 'sockets.json')
  const server = { accessLog: null, workers: 1, tcpTimeout: 1 }
  writeFileSync(file, JSON.stringify({ server, http: { port }, driver: [redis.url] }))
  const router = await startRouter(redis, { bare: true, args: ['--hipache-config', file] })
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  socket.write('GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  await eventually(() => text.includes('101 Switching Protocols'))
  const echoes = async (word: string): Promise<void> => {
    socket.write(word)
    await eventually(() => text.endsWith(word))
  }
  await sleep(2500)
  await echoes('after the limits')
  const [old] = await router.workerPids()
  await reloadRouter(router.control)
  for (let i = 0; i < 100; i += 1) expect((await ask(port, 'app.test')).status).toBe(200)
  await echoes('after a reload')
  expect(childrenOf(router.child.pid!)).toContain(old)
  // Nor is the time that it lived that of an answer.
  const answers = async (): Promise<number> =>
    Number(
      /^paas_router_request_duration_seconds_count\{host="app.test"\} (\d+)$/m.exec(
        await readRouterMetrics(router.control),
      )?.[1],
    )
  expect(await answers()).toBe(100)
  socket.end()
  await eventually(() => !childrenOf(router.child.pid!).includes(old!))
  expect(await answers()).toBe(100)
  await router[Symbol.asyncDispose]()
})

test('a router that is told to end starts no more workers', async () => {
  await redis.client.del('frontend:app.test')
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  const router = await startRouter(redis, { workers: 1 })
  const [old] = childrenOf(router.child.pid!)
  // It has somebody to wait for.
  const socket = connect(router.port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  socket.write('GET /slow?ms=3000 HTTP/1.1\r\nHost: app.test\r\n\r\n')
  await sleep(100)
  for (let i = 0; i < 2; i += 1) {
    router.child.kill('SIGHUP')
    await sleep(100)
  }
  router.child.kill('SIGTERM')
  await eventually(() => childrenOf(router.child.pid!).length === 1)
  while (router.child.exitCode === null) {
    expect(childrenOf(router.child.pid!).filter((pid) => pid !== old)).toEqual([])
    await sleep(20)
  }
  expect(router.child.exitCode).toBe(0)
  // And finishes what it has.
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n[^]*served$/)
})

test('a place is filled once the machine has something left for it', async () => {
  await redis.client.del('frontend:app.test')
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  const router = await startRouter(redis)
  const pid = router.child.pid!
  const mayOpen = (files: number): void =>
    void execFileSync('prlimit', ['--pid', String(pid), `--nofile=${files}:`])
  for (const again of [true, false]) {
    mayOpen(10)
    // The one in the first place, which has become the youngest.
    process.kill(childrenOf(pid).at(again ? 0 : -1)!, 'SIGKILL')
    await eventually(() => childrenOf(pid).length === 1)
    await sleep(1000)
    expect((await ask(router.port, 'app.test')).status).toBe(200)
    expect(childrenOf(pid)).toHaveLength(1)
    if (!again) break
    mayOpen(1000)
    await eventually(() => childrenOf(pid).length === 2)
    await eventually(async () => (await router.workerPids()).length === 2)
  }
  // Whoever a reload puts there takes the record of the killed one along, which would last for seconds.
  mayOpen(1000)
  expect(await reloadRouter(router.control)).toEqual({ workers: 2 })
  const present = new Set(await router.workerPids())
  await eventually(async () => {
    const records = await readWorkers(redis.client)
    return records.length === 2 && records.every(({ pid: worker }) => present.has(worker))
  }, 5000)
  router.child.kill('SIGTERM')
  await eventually(() => router.child.exitCode === 0)
})

test('what is being replaced goes on in the new access log, too', async () => {
  await redis.client.del('frontend:app.test')
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  const log = join(redis.directory, 'rotated.log')
  const router = await startRouter(redis, { workers: 1, args: ['--access-log', log] })
  const pid = Number(/process_id:(\d+)/.exec(await redis.client.info('server'))?.[1])
  process.kill(pid, 'SIGSTOP')
  // The new one waits for Redis.
  router.child.kill('SIGHUP')
  await eventually(() => childrenOf(router.child.pid!).length === 2)
  renameSync(log, `${log}.1`)
  router.child.kill('SIGUSR1')
  await eventually(() => existsSync(log))
  await eventually(async () => {
    expect((await ask(router.port, 'app.test')).status).toBe(200)
    return readFileSync(log, 'utf8').includes('"GET / HTTP/1.1" 200')
  })
  process.kill(pid, 'SIGCONT')
  await router[Symbol.asyncDispose]()
})

test('a reload goes on where the access log can no longer be opened', async () => {
  const log = join(redis.directory, 'taken.log')
  const router = await startRouter(redis, { workers: 1, args: ['--access-log', log] })
  const before = await router.workerPids()
  renameSync(log, `${log}.1`)
  mkdirSync(log)
  expect(await reloadRouter(router.control)).toEqual({ workers: 1 })
  expect(await router.workerPids()).not.toEqual(before)
  expect(router.log()).toMatch(/warn router: The access log cannot be opened.*taken\.log/)
  expect((await ask(router.port, '__ping__')).status).toBe(200)
  await router[Symbol.asyncDispose]()
})

test('`paas router` opens its log anew at SIGUSR1', async () => {
  const log = join(redis.directory, 'own.log')
  const program = join(import.meta.dirname, '../../../bin/paas')
  const args = ['--redis', redis.url, '--listen', `127.0.0.1:${await freePort()}`, '--access-log', log]
  const router = spawn(program, ['router', ...args, '--workers', '1'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  router.stderr.on('data', (chunk) => (said += String(chunk)))
  await eventually(() => said.includes('serving with'))
  renameSync(log, `${log}.1`)
  router.kill('SIGUSR1')
  await eventually(() => existsSync(log))
  router.kill('SIGTERM')
  await eventually(() => router.exitCode === 0)
})

// It may be up before it is looked at.
test('signals that come before the router is up wait for it', { retry: 2 }, async () => {
  const log = join(redis.directory, 'early.log')
  const main = join(import.meta.dirname, '../../../src/main/router.ts')
  const args = ['--redis', redis.url, '--listen', `127.0.0.1:${await freePort()}`, '--access-log', log]
  const router = spawn(process.execPath, [main, ...args, '--workers', '1'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  router.stderr.on('data', (chunk) => (said += String(chunk)))
  const caught = /SigCgt:\t[0-9a-f]*[13579bdf]\n/
  await eventually(() => caught.test(readFileSync(`/proc/${router.pid!}/status`, 'utf8')))
  expect(childrenOf(router.pid!)).toEqual([])
  router.kill('SIGHUP')
  router.kill('SIGUSR1')
  await eventually(() => /worker \S+ serves/.test(said))
  expect(said).not.toContain('Debugger')
  router.kill('SIGTERM')
  await eventually(() => router.exitCode === 0)
})

test('nobody who reads what the router says is no reason to end', async () => {
  await redis.client.del('frontend:app.test')
  await redis.client.rpush('frontend:app.test', 'app', backend.url, 'http://127.0.0.1:1')
  const router = await startRouter(redis)
  const pids = await router.workerPids()
  router.child.stderr?.destroy()
  for (let i = 0; i < 20; i += 1) expect((await ask(router.port, 'app.test')).status).toBe(200)
  process.kill(pids[0]!, 'SIGKILL')
  await eventually(async () => (await router.workerPids()).some((pid) => !pids.includes(pid)))
  expect(await router.workerPids()).toContain(pids[1])
  await router[Symbol.asyncDispose]()
})

test('a place that cannot be written is needed only by who asks for it', async () => {
  const router = await startRouter(redis, { workers: 1, env: { TMPDIR: redis.socket } })
  expect(router.log()).toContain('will not know the routes')
  await router[Symbol.asyncDispose]()
  const args = ['--snapshot', join(redis.socket, 'routes.json')]
  await expect(startRouter(redis, { workers: 1, args })).rejects.toThrow(/directory cannot be made/)
})

test('workers of another user write the snapshot, or it is said at once', async () => {
  chmodSync(redis.directory, 0o755)
  const directory = join(redis.directory, 'made')
  const args = ['--user', 'nobody', '--group', 'nogroup', '--snapshot', join(directory, 'routes.json')]
  const router = await startRouter(redis, { workers: 1, args })
  await eventually(() => readdirSync(directory).includes('routes.json'))
  expect(statSync(join(directory, 'routes.json')).uid).not.toBe(0)
  await router[Symbol.asyncDispose]()
  const elsewhere = ['--user', 'nobody', '--group', 'nogroup', '--snapshot', join(redis.directory, 'x.json')]
  await expect(startRouter(redis, { workers: 1, args: elsewhere })).rejects.toThrow(
    /cannot write the snapshot/,
  )
})

test('a worker that is told to end goes once another serves', { timeout: 60_000 }, async () => {
  await redis.client.del('frontend:app.test')
  await redis.client.rpush('frontend:app.test', 'app', backend.url)
  await using router = await startRouter(redis, { workers: 1 })
  const load = openLoad(router.port, 'app.test', 4)
  await load.ran(100)
  for (let i = 0; i < 2; i += 1) {
    const [pid] = await router.workerPids()
    process.kill(pid!, 'SIGTERM')
    await eventually(async () => !(await router.workerPids()).includes(pid!))
    await load.ran(100)
  }
  // More often than once is no more than once.
  const [pid] = await router.workerPids()
  for (let i = 0; i < 3; i += 1) process.kill(pid!, 'SIGTERM')
  await eventually(async () => !(await router.workerPids()).includes(pid!))
  const pids = await router.workerPids()
  await sleep(1500)
  expect(await router.workerPids()).toEqual(pids)
  expect((await load.stop()).failures).toEqual([])
})

test('one that has served is followed at once, however often it is killed', { timeout: 60_000 }, async () => {
  await using router = await startRouter(redis, { workers: 1 })
  for (let i = 0; i < 4; i += 1) {
    const [pid] = await router.workerPids()
    process.kill(pid!, 'SIGKILL')
    await eventually(async () => {
      const [next] = await router.workerPids()
      return next !== undefined && next !== pid
    })
  }
  expect(router.log()).not.toContain('another worker starts in')
})

test('a router that ends leaves what it served last', async () => {
  await using own = await startRedis()
  const snapshot = join(own.directory, 'routes.json')
  const change = (host: string) => ({
    set: [{ host, identifier: 'app', backends: [backend.url] }],
    remove: [],
  })
  await setRoutes(own.client, change('first.test'))
  const router = await startRouter(own, { workers: 2, args: ['--snapshot', snapshot] })
  await eventually(() => readFileSync(snapshot, 'utf8').includes('first.test'))
  await setRoutes(own.client, change('last.test'))
  await eventually(async () => (await ask(router.port, 'last.test')).status === 200)
  router.child.kill('SIGTERM')
  await once(router.child, 'exit')
  expect(readFileSync(snapshot, 'utf8')).toContain('last.test')
})

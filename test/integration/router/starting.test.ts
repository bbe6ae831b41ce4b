import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readRouterStats } from '../../../src/router/control.ts'
import { run } from '../../support/process.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { ask, eventually, freePort, startRouter } from './support/router.ts'

const main = join(import.meta.dirname, '../../../src/main/router.ts')

let redis: TestRedis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

/** A router that ends at once, for some reason. */
async function refused(...args: string[]): Promise<{ code: number | null; output: string }> {
  const { code, output } = await run(process.execPath, [
    main,
    '--redis',
    redis.url,
    '--workers',
    '1',
    ...args,
  ])
  return { code, output }
}

test('listeners that overlap end the start with both their names', async () => {
  const port = await freePort()
  const { code, output } = await refused('--listen', `0.0.0.0:${port}`, '--listen', `127.0.0.1:${port}`)
  expect(code).toBe(1)
  expect(output).toContain(`The router cannot listen on 127.0.0.1:${port}: `)
  expect(output).toContain(`The router also listens on 0.0.0.0:${port}`)
  expect(output).not.toContain('worker')
})

test('all of IPv6, which IPv4 is a part of, is not quietly less beside an address of IPv4', async () => {
  const port = await freePort()
  const { code, output } = await refused('--listen', `:${port}`, '--listen', `127.0.0.1:${port}`)
  expect(code).toBe(1)
  expect(output).toContain(`The router also listens on [::]:${port}`)
})

test('what cannot be is told, with what to do', async () => {
  const listen = ['--listen', `127.0.0.1:${await freePort()}`]
  expect(await refused('--listen', '192.0.2.77:80')).toMatchObject({
    code: 1,
    output: expect.stringContaining('ip address') as string,
  })
  for (const args of [
    ['--snapshot', '/proc/none/routes.json'],
    ['--access-log', join(redis.directory, 'none/access.log')],
  ]) {
    const { code, output } = await refused(...listen, ...args)
    expect(code).toBe(1)
    expect(output).toMatch(/directory cannot be made|a folder that is there and writable/)
  }
  const env = { ...process.env, PAAS_ROOT: redis.directory }
  const lone = await run(process.execPath, [main, ...listen], { env })
  expect(lone).toMatchObject({ code: 2, output: expect.stringContaining('--redis URL') as string })
})

test('a port that another process has ends the start; nothing stays open of what was tried before', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const [free, taken] = [await freePort(), (other.address() as { port: number }).port]
  const { code, output } = await refused('--listen', `127.0.0.1:${free}`, '--listen', `127.0.0.1:${taken}`)
  other.close()
  expect(code).toBe(1)
  expect(output).toContain(`ss -ltnp 'sport = :${taken}'`)
  expect(output).not.toContain('also listens')
})

test('all of IPv4 and all of IPv6 beside each other, and one of them twice', async () => {
  const port = await freePort()
  const listen = ['0.0.0.0', '[::]', '0.0.0.0'].flatMap((address) => ['--listen', `${address}:${port}`])
  const args = ['--redis', redis.url, '--workers', '1', ...listen]
  await using router = await startRouter(redis, { bare: true, args })
  expect(router.log()).toContain(`0.0.0.0:${port} is named twice and opened once`)
  expect((await ask(port, 'nobody.test')).status).toBe(404)
})

test('a control socket where there is something else ends the router, and what is there stays', async () => {
  const directory = join(redis.directory, 'directory')
  const file = join(redis.directory, 'file')
  mkdirSync(directory)
  writeFileSync(file, 'precious')
  for (const path of [directory, file]) {
    const { code, output } = await refused('--listen', `127.0.0.1:${await freePort()}`, '--control', path)
    expect(code).toBe(1)
    expect(output).toContain(`The control socket cannot be ${path}`)
  }
  expect(readFileSync(file, 'utf8')).toBe('precious')
})

test('the control socket of a router that lives is not taken from it; what is left of one that is gone is', async () => {
  await using first = await startRouter(redis, { workers: 1 })
  {
    await using second = await startRouter(redis, { workers: 1, args: ['--control', first.control] })
    await eventually(() => second.log().includes(`another process serves ${first.control}`))
  }
  expect(await first.workerPids()).toHaveLength(1)

  const [bound, left] = [join(redis.directory, 'bound.sock'), join(redis.directory, 'left.sock')]
  const gone = createServer().listen(bound)
  await once(gone, 'listening')
  renameSync(bound, left)
  gone.close()
  await using third = await startRouter(redis, { workers: 1, args: ['--control', left] })
  await eventually(async () => (await readRouterStats(left)).workers.length === 1)
  expect(third.log()).not.toContain('control socket')
})

test('who has said all to the control socket still gets the answer', async () => {
  await using router = await startRouter(redis, { workers: 1 })
  const answer = async (request: string): Promise<string> => {
    const socket = connect({ path: router.control, allowHalfOpen: true }).setEncoding('utf8')
    socket.end(request)
    return (await socket.toArray()).join('')
  }
  expect(JSON.parse(await answer('{"op":"stats"}\n'))).toHaveProperty('ok.workers.0.pid')
  // One who has not even said a line is not left waiting.
  expect(await answer('{"op"')).toBe('')
})

test('where memory is short a worker goes before the master', async () => {
  await using router = await startRouter(redis, { workers: 1 })
  const [worker] = await router.workerPids()
  const score = (pid = 0): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'))
  expect(score(worker)).toBe(Math.min(1000, score(router.child.pid) + 100))
})

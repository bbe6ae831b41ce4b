import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { instancePaths } from '../../../src/lib/paths.ts'
import { answers, eventually } from '../../../src/setup/machine.ts'
import { redisConfig, redisUsers } from '../../../src/setup/redis-config.ts'

const passwords = { controller: 'controller-secret', router: 'router-secret' }
let root: string
let server: ChildProcess
let controller: Redis
let router: Redis
const paths = () => instancePaths(root)

function connect(username: string, password: string): Redis {
  const redis = new Redis({ path: paths().redisSocket, username, password, retryStrategy: null })
  redis.on('error', () => undefined)
  return redis
}

async function start(): Promise<void> {
  server = spawn('redis-server', [paths().redisConfig], { stdio: 'ignore' })
  expect(await eventually(() => answers(paths().redisSocket), 10_000)).toBe(true)
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'paas-redis-'))
  for (const folder of [paths().etc, paths().redisData, dirname(paths().redisSocket)]) {
    await mkdir(folder, { recursive: true })
  }
  await writeFile(paths().redisConfig, redisConfig(paths()))
  await writeFile(paths().redisUsers, redisUsers(passwords))
  await start()
  controller = connect('controller', passwords.controller)
  router = connect('router', passwords.router)
})

afterAll(async () => {
  controller.disconnect()
  router.disconnect()
  server.kill('SIGKILL')
  await rm(root, { recursive: true })
})

describe('who may do what', () => {
  test('nobody without a name and a password, and the file holds none', async () => {
    const anonymous = new Redis({ path: paths().redisSocket, retryStrategy: null, lazyConnect: true })
    anonymous.on('error', () => undefined)
    await expect(anonymous.get('paas:epoch')).rejects.toThrow(/NOAUTH|Connection is closed/)
    await expect(anonymous.call('auth', 'default', '')).rejects.toThrow(/WRONGPASS|Connection is closed/)
    anonymous.disconnect()
    expect(redisUsers(passwords)).not.toMatch(/secret/)
  })

  test.each([
    ['set', 'paas:app:x', '1'],
    ['rpush', 'frontend:a.localhost', 'a', 'http://172.30.0.2:5000'],
    ['sadd', 'dead:a.localhost', '0'],
    ['hset', 'healthcheck:a.localhost', 'path', '/'],
    ['eval', 'return redis.call("get", KEYS[1])', '1', 'paas:app:x'],
    ['publish', 'paas:route:changed', '1'],
    ['info', 'persistence'],
    ['bgsave'],
    ['scan', '0'],
  ])('the controller may %s %s', async (command, ...args) => {
    await controller.call(command, ...args)
  })

  test.each([
    ['set', 'other', '1'],
    ['flushall'],
    ['keys', '*'],
    ['config', 'set', 'appendonly', 'no'],
    ['shutdown', 'nosave'],
    ['acl', 'list'],
    ['replicaof', '127.0.0.1', '1'],
    ['module', 'list'],
  ])('the controller may not %s %s', async (command, ...args) => {
    await expect(controller.call(command, ...args)).rejects.toThrow('NOPERM')
  })

  test.each([
    ['lrange', 'frontend:a.localhost', '0', '-1'],
    ['smembers', 'dead:a.localhost'],
    ['sadd', 'dead:a.localhost', '1'],
    ['expire', 'dead:a.localhost', '30'],
    ['get', 'paas:route:version'],
    ['set', 'paas:route:worker:w1', '{}', 'PX', '10000'],
    ['publish', 'dead', 'a.localhost;http://172.30.0.2:5000;0;1'],
    ['publish', 'paas:route:acked', 'w1 1'],
    ['scan', '0', 'MATCH', 'frontend:*'],
    ['info'],
  ])('the router may %s %s', async (command, ...args) => {
    await router.call(command, ...args)
  })

  test.each([
    ['get', 'paas:app:x'],
    ['hgetall', 'paas:keys'],
    ['set', 'paas:route:version', '9'],
    ['rpush', 'frontend:a.localhost', 'http://10.0.0.1:1'],
    ['del', 'frontend:a.localhost'],
    ['publish', 'paas:other', 'x'],
    ['eval', 'return 1', '0'],
    ['flushdb'],
    ['keys', '*'],
    ['config', 'get', '*'],
  ])('the router may not %s %s', async (command, ...args) => {
    await expect(router.call(command, ...args)).rejects.toThrow('NOPERM')
  })

  test('the router hears of keys that another program writes', async () => {
    const subscriber = router.duplicate()
    for (const key of ['frontend', 'dead', 'healthcheck', 'paas:route:options']) {
      await subscriber.psubscribe(`__keyspace@0__:${key}:*`)
    }
    const message = once(subscriber, 'pmessage') as Promise<string[]>
    await controller.rpush('frontend:new.localhost', 'new', 'http://172.30.0.3:5000')
    expect((await message)[2]).toBe('rpush')
    expect((await message)[1]).toBe('__keyspace@0__:frontend:new.localhost')
    subscriber.disconnect()
  })
})

test('what was acknowledged is there after kill -9, transactions and scripts included', async () => {
  const script = "return redis.call('SET', KEYS[1], 'yes')"
  for (let i = 0; i < 200; i++) await controller.set(`paas:write:${i}`, String(i))
  // A transaction and a script are replayed in ways of their own.
  await controller.multi().set('paas:write:multi', 'yes').hset('paas:write:hash', 'field', 'yes').exec()
  await controller.multi().set('paas:write:first', 'yes').eval(script, 1, 'paas:write:script').exec()
  const acknowledged = await controller.set('paas:write:last', 'yes')
  expect(acknowledged).toBe('OK')
  server.kill('SIGKILL')
  await once(server, 'exit')
  await start()
  const again = connect('controller', passwords.controller)
  expect(await again.get('paas:write:last')).toBe('yes')
  expect(await again.get('paas:write:199')).toBe('199')
  expect(await again.get('paas:write:multi')).toBe('yes')
  expect(await again.hget('paas:write:hash', 'field')).toBe('yes')
  expect(await again.get('paas:write:script')).toBe('yes')
  again.disconnect()
})

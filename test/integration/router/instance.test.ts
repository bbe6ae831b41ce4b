import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { instancePaths } from '../../../src/lib/paths.ts'
import { readRouterStats } from '../../../src/router/control.ts'
import { redisUsers } from '../../../src/setup/redis-config.ts'
import { awaitSwitch, setRoutes } from '../../../src/store/routes.ts'
import { startBackend } from './support/backend.ts'
import { ask, eventually, freePort } from './support/router.ts'

test(
  'the router of an instance: settings, Redis user and paths as set-up writes them',
  { timeout: 60_000 },
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'paas-root-'))
    const paths = instancePaths(root)
    const port = await freePort()
    for (const file of [
      paths.settings,
      paths.redisSocket,
      paths.routerSocket,
      paths.routerSnapshot,
      paths.accessLog,
    ]) {
      await mkdir(dirname(file), { recursive: true })
    }
    const passwords = { controller: 'c'.repeat(64), router: 'r'.repeat(64) }
    await writeFile(paths.redisUsers, redisUsers(passwords))
    await writeFile(paths.redisRouterPassword, passwords.router)
    const settings = {
      name: 'test',
      user: 'paas',
      domain: 'apps.test',
      http: { address: '127.0.0.1', port },
      sshPort: 22,
      network: { bridge: 'paas0', subnet: '172.30.0.0/16' },
      dockerSocket: '/run/docker.sock',
      routerWorkers: 2,
      trustedProxies: ['127.0.0.1'],
      proxyProtocol: true,
    }
    await writeFile(paths.settings, JSON.stringify(settings))
    const server = spawn(
      'redis-server',
      [
        '--port',
        '0',
        '--unixsocket',
        paths.redisSocket,
        '--save',
        '',
        '--dir',
        root,
        '--aclfile',
        paths.redisUsers,
        '--notify-keyspace-events',
        'Kglshx$',
      ],
      { stdio: 'ignore' },
    )
    const redis = new Redis({
      path: paths.redisSocket,
      username: 'controller',
      password: passwords.controller,
      maxRetriesPerRequest: null,
    })
    redis.on('error', () => undefined)
    await eventually(async () => (await redis.exists('paas:schema')) >= 0)
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../../src/main/router.ts')], {
      env: { ...process.env, PAAS_ROOT: root },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
    using a = await startBackend('a')
    try {
      await eventually(() => log.includes('serving with'), 20_000)
      const version = await setRoutes(redis, {
        set: [{ host: 'blog.apps.test', identifier: 'blog', backends: ['http://127.0.0.1:1', a.url] }],
        remove: [],
      })
      const switched = await awaitSwitch(redis, { version, backends: [], drainTimeoutMs: 10_000 })
      expect(switched).toEqual({ workers: 2, applied: true, undrained: [] })
      for (let i = 0; i < 30; i += 1) expect((await ask(port, 'blog.apps.test')).body).toBe('a')
      await eventually(async () => (await redis.smembers('dead:blog.apps.test')).join() === '0')
      await redis.rpush('frontend:hand.apps.test', 'hand', a.url)
      await eventually(async () => (await ask(port, 'hand.apps.test')).body === 'a')
      await redis.hset('paas:route:options:hand.apps.test', { sticky: 'on' })
      await eventually(async () => (await ask(port, 'hand.apps.test')).head.includes('Set-Cookie'))
      const through = await ask(port, 'hand.apps.test', '/headers', 'X-Forwarded-For: 203.0.113.9\r\n')
      expect(through.body).toContain('203.0.113.9, 127.0.0.1')
      expect((await readRouterStats(paths.routerSocket)).workers).toHaveLength(2)
      expect(log).not.toMatch(/NOPERM|no keyspace/)
    } catch (error) {
      throw new Error(log, { cause: error })
    } finally {
      child.kill('SIGTERM')
      await once(child, 'exit')
      redis.disconnect()
      server.kill()
      await rm(root, { recursive: true, force: true })
    }
  },
)

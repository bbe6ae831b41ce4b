import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { authorise } from '../../../src/api/authorise.ts'
import { type Platform } from '../../../src/apps/platform.ts'
import { runCommandLine } from '../../../src/commands/program.ts'
import { commands } from '../../../src/commands/registry.ts'
import { PaasError } from '../../../src/errors/paas-error.ts'
import { type Identity, Key } from '../../../src/model/key.ts'
import { reopenRouterLogs } from '../../../src/router/control.ts'
import { RouterStats } from '../../../src/router/observe/stats.ts'
import { platformWithoutEngine } from '../../support/platform.ts'
import { startState, type State } from '../../support/redis.ts'
import { caller } from '../../unit/commands/context.ts'
import { type Backend, startBackend } from '../router/support/backend.ts'
import { ask, eventually, startRouter, type TestRouter } from '../router/support/router.ts'

let state: State
let router: TestRouter
let platform: Platform
let a: Backend
let b: Backend

beforeAll(async () => {
  state = await startState()
  a = await startBackend('a')
  b = await startBackend('b')
  const accessLog = join(state.paths.redisData, 'access.log')
  router = await startRouter(
    {
      url: `redis+unix://router:router-password@${state.paths.redisSocket}`,
      directory: state.paths.redisData,
    },
    { args: ['--access-log', accessLog] },
  )
  const base = platformWithoutEngine(state)
  platform = { ...base, paths: { ...state.paths, routerSocket: router.control, accessLog } }
}, 60_000)
afterAll(async () => {
  await router[Symbol.asyncDispose]()
  a[Symbol.dispose]()
  b[Symbol.dispose]()
  await state[Symbol.asyncDispose]()
})

/** Runs a command line as the controller does. */
async function paas(words: string[], identity?: Identity, on = platform) {
  const { context, said } = caller(identity)
  const json = (): unknown => JSON.parse(said.stdout)
  try {
    const code = await runCommandLine(commands, words, { ...context, platform: on }, authorise)
    return { code, ...said, json }
  } catch (error) {
    if (!(error instanceof PaasError)) throw error
    return { code: error.exitCode, ...said, stderr: `${error.message}\n${error.hint ?? ''}`, json }
  }
}

describe('routes by hand', () => {
  beforeEach(async () => {
    for (const { host } of await state.store.routes.all()) await paas(['routes:remove', host])
  })

  test('serve at once, get more backends, lose them, and are gone', async () => {
    expect(await paas(['routes:add', 'Wiki.Example.com', a.url])).toMatchObject({
      code: 0,
      stdout: `wiki.example.com goes to ${a.url}.\n`,
    })
    expect((await ask(router.port, 'wiki.example.com')).body).toBe('a')
    await paas(['routes:add', 'wiki.example.com', a.url, b.url, '--identifier', 'wiki'])
    expect((await paas(['routes', '--json'])).json()).toEqual([
      { host: 'wiki.example.com', identifier: 'wiki', backends: [a.url, b.url], app: null },
    ])
    expect((await paas(['routes:list'])).stdout).toContain('wiki (by hand)')
    expect(await state.redis.lrange('frontend:wiki.example.com', 0, -1)).toEqual(['wiki', a.url, b.url])
    await paas(['routes:remove', 'wiki.example.com', a.url])
    for (let i = 0; i < 4; i += 1) expect((await ask(router.port, 'wiki.example.com')).body).toBe('b')
    expect(await paas(['routes:remove', 'wiki.example.com'])).toMatchObject({
      code: 0,
      stdout: 'wiki.example.com has no route any more.\n',
    })
    expect((await ask(router.port, 'wiki.example.com')).status).toBe(404)
  })

  test('backends of a host that another program has spelt otherwise serve on beside new ones', async () => {
    await state.redis.rpush('frontend:Wiki.Example.com', 'theirs', a.url)
    await state.redis.rpush('frontend:xwiki.example.com', 'other', a.url)
    await eventually(async () => (await ask(router.port, 'wiki.example.com')).body === 'a')
    await paas(['routes:add', 'wiki.example.com', b.url])
    expect((await paas(['routes', '--json'])).json()).toEqual([
      { host: 'wiki.example.com', identifier: 'theirs', backends: [a.url, b.url], app: null },
      { host: 'xwiki.example.com', identifier: 'other', backends: [a.url], app: null },
    ])
    const bodies = new Set<string>()
    for (let i = 0; i < 20; i += 1) bodies.add((await ask(router.port, 'wiki.example.com')).body)
    expect([...bodies].sort()).toEqual(['a', 'b'])
  })

  test('what is there stays as it is, double shares and all, when more is added', async () => {
    const c = 'http://10.0.0.9:1'
    await state.redis.rpush('frontend:double.test', 'theirs', a.url, a.url, b.url)
    await paas(['routes:add', 'double.test', c, a.url, c])
    const list = ['theirs', a.url, a.url, b.url, c]
    expect(await state.redis.lrange('frontend:double.test', 0, -1)).toEqual(list)
    // Of another spelling as well.
    await state.redis.rename('frontend:double.test', 'frontend:DOUBLE.test')
    await paas(['routes:add', 'double.test', c])
    expect(await state.redis.lrange('frontend:double.test', 0, -1)).toEqual(list)
  })

  test('the last backend takes the route with it, and * serves what nobody has', async () => {
    await paas(['routes:add', '*', a.url])
    expect((await ask(router.port, 'whatever.test')).body).toBe('a')
    await paas(['routes:remove', '*', a.url])
    expect((await paas(['routes', '--json'])).json()).toEqual([])
  })

  test.each([
    [['routes:add', 'wiki.example.com'], 2, "Missing required argument 'backends'"],
    [['routes:add', 'wiki example', 'http://a:1'], 2, 'a domain looks like'],
    [['routes:add', '*.a.b.c.d.example.com', 'http://a:1'], 2, 'give a shorter one, or the hosts by name'],
    [['routes:add', 'wiki.example.com', 'ftp://a'], 2, 'a backend looks like'],
    [['routes:add', 'wiki.example.com', 'http://a:1/path'], 2, 'a backend has no path'],
    [['routes:add', 'wiki.example.com', 'http://a:80 '], 2, 'a backend looks like'],
    [['routes:add', 'wiki.example.com', 'http://a:99999'], 2, 'a backend looks like'],
    [['routes:add', 'wiki.example.com', 'http://a:1', '--identifier', 'two words'], 2, 'no spaces'],
    [['routes:remove', 'nothing.example.com'], 3, 'has no route'],
    [['routes:remove', 'nothing.example.com', ''], 2, 'name a backend'],
  ])('%j is refused', async (words, code, message) => {
    const refused = await paas(words)
    expect(refused.code).toBe(code)
    expect(refused.stderr).toContain(message)
    expect(await state.store.routes.all()).toEqual([])
  })

  test('a backend that the route does not have takes nothing away', async () => {
    await paas(['routes:add', 'wiki.example.com', a.url])
    const refused = await paas(['routes:remove', 'wiki.example.com', a.url, 'http://other:1'])
    expect(refused).toMatchObject({ code: 3 })
    expect((await paas(['routes', '--json'])).json()).toMatchObject([{ backends: [a.url] }])
  })

  test('what other programs wrote can be taken away as they spelled it', async () => {
    await state.redis.rpush('frontend:UP_per.test', 'up', a.url)
    await state.redis.set('frontend:odd.test', 'no list')
    expect(await paas(['routes:remove', 'UP_per.test'])).toMatchObject({ code: 0 })
    await state.redis.rpush('frontend:*.a.b.c.d.example.com', 'never served', a.url)
    expect(await paas(['routes:remove', '*.A.b.c.d.example.com'])).toMatchObject({ code: 0 })
    expect(await state.store.routes.all()).toEqual([])
    for (const words of [
      ['routes:remove', 'odd.test'],
      ['routes:add', 'odd.test', a.url],
    ]) {
      const refused = await paas(words)
      expect(refused.code).toBe(1)
      expect(refused.stderr).toContain('DEL frontend:odd.test')
    }
    await state.redis.del('frontend:odd.test')
  })

  test.each(['tcp://10.0.0.5:1', 'foo', ' http://10.0.0.5:80 \n'])(
    'the backend %j that another program wrote can be taken out',
    async (theirs) => {
      await state.redis.rpush('frontend:theirs.test', 'theirs', theirs, a.url)
      expect(await paas(['routes:remove', 'theirs.test', theirs])).toMatchObject({ code: 0 })
      expect(await state.redis.lrange('frontend:theirs.test', 0, -1)).toEqual(['theirs', a.url])
      const again = await paas(['routes:remove', 'theirs.test', theirs])
      expect(again.code).toBe(3)
      expect(again.stderr).toContain(`${theirs} is not a backend of theirs.test.`)
    },
  )

  test('apps and routes by hand do not take hosts from each other', async () => {
    await paas(['apps:create', 'blog'])
    await paas(['domains:add', '-a', 'blog', 'www.example.com'])
    for (const host of ['blog.paas.test', 'www.example.com']) {
      const refused = await paas(['routes:add', host, a.url])
      expect(refused.code).toBe(1)
      expect(refused.stderr).toContain(`${host} belongs to the app blog`)
      expect(await paas(['routes:remove', host])).toMatchObject({ code: 1 })
    }
    await paas(['routes:add', 'wiki.example.com', a.url])
    await paas(['routes:add', 'wiki.paas.test', a.url])
    const attempts = [
      ['domains:add', '-a', 'blog', 'free.example.com', 'wiki.example.com'],
      ['apps:create', 'wiki'],
      ['apps:rename', '-a', 'blog', 'wiki'],
    ]
    for (const words of attempts) {
      const refused = await paas(words)
      expect(refused.code).toBe(1)
      expect(refused.stderr).toContain('paas routes:remove wiki.')
    }
    expect((await paas(['domains', '-a', 'blog', '--json'])).json()).toHaveLength(2)
    // The access log of an app is told apart by its name.
    const posing = await paas(['routes:add', 'other.test', a.url, '--identifier', 'blog'])
    expect(posing).toMatchObject({ code: 2 })
    expect(posing.stderr).toContain('blog is an app')
  })

  test('a host that another program has spelt otherwise is taken, and can be taken away', async () => {
    await state.redis.rpush('frontend:Spelt.Paas.Test', 'theirs', a.url, b.url)
    expect(await paas(['apps:create', 'spelt'])).toMatchObject({ code: 1 })
    expect(await paas(['routes:remove', 'spelt.paas.test', b.url])).toMatchObject({
      code: 0,
      stdout: `spelt.paas.test goes to ${a.url}.\n`,
    })
    expect(await state.redis.exists('frontend:Spelt.Paas.Test')).toBe(0)
    await state.redis.rename('frontend:spelt.paas.test', 'frontend:SPELT.paas.test')
    expect(await paas(['routes:remove', 'spelt.paas.test'])).toMatchObject({ code: 0 })
    expect(await paas(['apps:create', 'spelt'])).toMatchObject({ code: 0 })
    await paas(['apps:destroy', '-a', 'spelt', '--confirm', 'spelt'])
  })

  test('what other programs wrote does not act on the terminal', async () => {
    await state.redis.rpush('frontend:odd.test', '\x1b[31mred\n\u009bK', a.url)
    expect((await paas(['routes'])).stdout).toBe(`odd.test  \\x1b[31mred\\x0a\\x9bK (by hand)  ${a.url}\n`)
    expect((await paas(['routes', '--json'])).json()).toMatchObject([{ identifier: '\x1b[31mred\n\u009bK' }])
  })

  test('a route that goes takes its settings along, and one backend is added once however it is spelt', async () => {
    const settings = ['paas:route:options:set.test', 'healthcheck:set.test']
    for (const key of settings) await state.redis.hset(key, 'path', '/')
    await paas(['routes:add', 'set.test', a.url, b.url])
    await paas(['routes:add', 'set.test', `${a.url.replace('http', 'HTTP')}/`, a.url.replace('http://', '')])
    expect(await state.redis.lrange('frontend:set.test', 0, -1)).toEqual(['set.test', a.url, b.url])
    await paas(['routes:remove', 'set.test', a.url])
    expect(await state.redis.exists(settings)).toBe(2)
    await paas(['routes:remove', 'set.test', b.url])
    expect(await state.redis.exists(settings)).toBe(0)
  })

  test('weights stay with the backends that stay', async () => {
    const weights = 'paas:route:options:weighed.test'
    await paas(['routes:add', 'weighed.test', 'http://10.0.0.5:1', a.url, b.url])
    await state.redis.hset(weights, { weights: '1,0,3', sticky: 'off' })
    await paas(['routes:remove', 'weighed.test', 'http://10.0.0.5:1'])
    expect(await state.redis.hgetall(weights)).toEqual({ weights: '0,3', sticky: 'off' })
    for (let i = 0; i < 8; i += 1) expect((await ask(router.port, 'weighed.test')).body).toBe('b')
    // Who stood by alone has to serve now.
    await paas(['routes:remove', 'weighed.test', b.url])
    expect(await state.redis.hgetall(weights)).toEqual({ sticky: 'off' })
    expect((await ask(router.port, 'weighed.test')).body).toBe('a')
  })

  test('belong to admins', async () => {
    const key = Key.parse({
      id: 'k00000000000000a',
      name: 'laptop',
      fingerprint: 'SHA256:x',
      publicKey: 'ssh-ed25519 AAAA',
      role: 'manage',
      createdAt: new Date().toISOString(),
    })
    for (const words of [['routes'], ['routes:add', 'x.test', a.url], ['router:stats'], ['router:reload']]) {
      expect((await paas(words, { via: 'ssh', key })).code).toBe(4)
    }
  })
})

describe('the router', () => {
  test('router:stats counts by host and backend, for people and for programs', async () => {
    await paas(['routes:add', 'counted.example.com', a.url])
    for (let i = 0; i < 5; i += 1) await ask(router.port, 'counted.example.com')
    const { hosts, backends } = RouterStats.parse((await paas(['router:stats', '--json'])).json())
    expect(hosts['counted.example.com']).toMatchObject({ requests: 5, errors5xx: 0 })
    expect(backends[a.url]!.requests).toBeGreaterThanOrEqual(5)
    const shown = (await paas(['router:stats'])).stdout
    expect(shown).toMatch(/^2 workers, the first started \d+s ago, /)
    expect(shown).toMatch(/counted\.example\.com +5 +0 /)
  })

  /** `router:logs -f` from now on. */
  function follow() {
    const over = new AbortController()
    const { context, said } = caller()
    const following = runCommandLine(
      commands,
      ['router:logs', '-n', '0', '-f'],
      { ...context, platform, signal: over.signal },
      authorise,
    )
    const stop = async (): Promise<void> => {
      over.abort()
      await following
    }
    return { said, stop }
  }

  test('router:logs shows the last lines, and follows', async () => {
    const { said, stop } = follow()
    await new Promise((resolve) => setTimeout(resolve, 300))
    for (let i = 0; i < 3; i += 1) await ask(router.port, 'nobody.example.com', `/followed-${i}`)
    await eventually(() => said.stdout.match(/\/followed-/g)?.length === 3)
    await stop()
    expect(said.stdout.match(/\/followed-/g)).toHaveLength(3)
    const last = (await paas(['router:logs', '-n', '2'])).stdout
    expect(last.match(/\n/g)).toHaveLength(2)
    // Each worker writes its own lines, so their order is that of the workers' writes.
    expect(last).toMatch(/^(?:\S+ - - \[.*\] "GET \/followed-\d HTTP\/1\.1" 404 .*\n){2}$/)
  })

  test('router:logs says when fewer lines than asked for are looked through', async () => {
    const accessLog = join(state.paths.redisData, 'long.log')
    await writeFile(accessLog, `${'x'.repeat(1023)}\n`.repeat(9 * 1024))
    const long = { ...platform, paths: { ...platform.paths, accessLog } }
    const note = ' !     1048576 bytes before these lines are not shown\n'
    // As many as are in 8 MiB.
    const most = 8 * 1024
    for (const [lines, shown, stderr] of [
      [0, 0, ''],
      [most, most, ''],
      [most + 1, most, note],
    ] as const) {
      const said = await paas(['router:logs', '-n', String(lines)], undefined, long)
      expect(said.stdout).toHaveLength(shown * 1024)
      expect(said.stderr).toBe(stderr)
    }
  })

  test('router:logs shows what was logged before a rotation, too', async () => {
    const accessLog = join(state.paths.redisData, 'rotated.log')
    await writeFile(`${accessLog}.1`, 'one\ntwo\n')
    await writeFile(accessLog, 'three\n')
    const rotated = { ...platform, paths: { ...platform.paths, accessLog } }
    for (const [lines, stdout] of [
      ['1', 'three\n'],
      ['2', 'two\nthree\n'],
      ['9', 'one\ntwo\nthree\n'],
    ] as const)
      expect(await paas(['router:logs', '-n', lines], undefined, rotated)).toMatchObject({
        stdout,
        stderr: '',
      })
  })

  test('router:logs -f has every line once when the log is rotated under load', async () => {
    const { said, stop } = follow()
    await sleep(300)
    const { accessLog } = platform.paths
    let asked = 0
    const rotated = new AbortController()
    const load = (async () => {
      for (; !rotated.signal.aborted; asked += 1) {
        await ask(router.port, 'nobody.example.com', `/r-${asked}-`)
        await sleep(5)
      }
    })()
    // The second time while the first is still being waited for.
    for (let i = 1; i <= 2; i += 1) {
      await sleep(600)
      await rename(accessLog, `${accessLog}.${i}`)
      await sleep(100)
      await reopenRouterLogs(router.control)
    }
    await sleep(100)
    rotated.abort()
    await load
    await eventually(() => said.stdout.includes(`/r-${asked - 1}-`), 10_000)
    await sleep(500)
    await stop()
    const shown = [...said.stdout.matchAll(/\/r-(\d+)-/g)].map(([, n]) => Number(n))
    expect(shown.toSorted((x, y) => x - y)).toEqual(Array.from({ length: asked }, (_, n) => n))
  })

  test('router:reload puts other workers in their place', async () => {
    const before = await router.workerPids()
    expect(await paas(['router:reload'])).toMatchObject({ code: 0, stdout: '2 new workers serve.\n' })
    const after = await router.workerPids()
    expect(after).toHaveLength(2)
    expect(after.some((pid) => before.includes(pid))).toBe(false)
  })

  test('what is not running is named', async () => {
    const elsewhere = { ...platform, paths: { ...platform.paths, routerSocket: '/nonexistent/router.sock' } }
    const { code, stderr } = await paas(['router:stats'], undefined, elsewhere)
    expect(code).toBe(1)
    expect(stderr).toContain('The router does not answer')
    expect(stderr).toContain('paas doctor')
  })
})

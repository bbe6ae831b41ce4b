import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { get, hostOf, instance, paas, paasJson } from '../support/instance.ts'
import { appName, createLaptop } from '../support/laptop.ts'
import { eventually, type Finished, run } from '../support/process.ts'
import { everyKind } from '../support/service-kinds.ts'
import { opens, storeOf } from '../support/services.ts'

const dev = await createLaptop('stores')
const app = appName('shop')
const kinds = everyKind.map((kind) => ({ ...kind, name: appName(kind.kind).slice(0, 20) }))
const nameOf = (wanted: string): string => kinds.find(({ kind }) => kind === wanted)!.name
const [pg, cache] = [nameOf('postgres'), nameOf('redis')]

async function must(...args: string[]): Promise<string> {
  const { code, output, stdout } = await paas(args)
  expect(code, output).toBe(0)
  return stdout
}

beforeAll(async () => {
  const clone = await dev.clone(app, { from: 'node-store' })
  await clone.deploy()
  for (const { kind, name, variable } of kinds) {
    await must('services:create', kind, name)
    await must('services:link', name, '-a', app, '--as', variable)
  }
}, 900_000)
afterAll(async () => {
  for (const { name } of await paasJson<{ name: string }[]>('services:list')) {
    await paas(['services:destroy', name, '--force', '--confirm', name])
  }
  await dev[Symbol.asyncDispose]()
})

const { ask, write } = storeOf(app)
const sql = async (name: string, text: string): Promise<string> =>
  (await paas(['services:connect', name], { input: `\\pset tuples_only on\n${text}\n` })).stdout.trim()
const variables = async (): Promise<Record<string, string>> =>
  JSON.parse(await must('config:export', '-a', app, '--format', 'json')) as Record<string, string>
const works = (variable: string): Promise<unknown> =>
  eventually(`${variable} works`, 60_000, async () => (await get(hostOf(app), `/${variable}`)).status === 200)

describe.each(kinds)('$kind', ({ kind, name, variable, survives, setting, names }) => {
  const inShell = async (text: string): Promise<string> =>
    (await paas(['services:connect', name], { input: `${text}\n` })).output

  test('set changes settings and memory, and takes back what the server does not come up with', async () => {
    await must('services:set', name, setting.pair, '--memory', '600m')
    expect(await inShell(setting.ask)).toMatch(setting.shows)
    const refused = await paas(['services:set', name, setting.wrong])
    expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('Back to what it was')])
    expect(await inShell(setting.ask)).toMatch(setting.shows)
    const [key] = setting.pair.split('=') as [string]
    for (const words of [
      [key],
      ['a b=1'],
      ...['1m', '999g', 'lots'].map((size) => ['--memory', size]),
      [`${key}=a\nb`],
    ]) {
      expect((await paas(['services:set', name, ...words])).code, words.join(' ')).toBe(2)
    }
    await must('services:set', name, `${key}=`)
    expect(await inShell(setting.ask)).not.toMatch(setting.shows)
    expect(await paasJson('services:info', name)).toMatchObject({
      memoryBytes: 600 * 1024 ** 2,
      settings: {},
    })
    await works(variable)
  })

  test('stop, start and restart keep what it keeps', async () => {
    await write(variable, 'kept')
    await must('services:stop', name)
    await must('services:stop', name)
    expect(await paasJson('services:info', name)).toMatchObject({ state: 'stopped' })
    expect((await get(hostOf(app), `/${variable}`)).status).toBe(500)
    expect((await paas(['services:connect', name], { input: '' })).code).toBe(1)
    await must('services:start', name)
    await must('services:start', name)
    await works(variable)
    await must('services:restart', name)
    await works(variable)
    if (survives) expect(await ask(variable)).toContain('kept')
  })

  test('rotated credentials reach the app, and the old ones open nothing', async () => {
    const before = (await variables())[variable]!
    await write(variable, 'rotated')
    await must('credentials:rotate', name)
    expect(await ask(variable)).toContain('rotated')
    const after = (await variables())[variable]!
    expect(await paasJson('services:credentials', name)).toMatchObject({ url: after })
    // Memcached has none: its network is what keeps others out.
    if (new URL(before).password === '') return
    expect(after).not.toBe(before)
    expect([await opens(app, before), await opens(app, after)]).toEqual([false, true])
  })

  test.runIf(names)('a database of an app’s own is reached by its app alone', async () => {
    const shared = `${name}-all`
    await must('services:create', kind, shared)
    await must('services:link', shared, '-a', app, '--own-database', '--as', 'OWN')
    await write('OWN_URL', 'mine')
    expect(await ask('OWN_URL')).toEqual(['mine'])
    const own = new URL((await variables())['OWN_URL']!)
    const main = new URL((await paasJson<{ url: string }>('services:credentials', shared)).url)
    expect([own.username === main.username, own.pathname === main.pathname]).toEqual([false, false])
    expect(decodeURIComponent(own.password)).toHaveLength(64)
    const others = Object.assign(new URL(own), { pathname: main.pathname })
    expect([await opens(app, own.href), await opens(app, main.href), await opens(app, others.href)]).toEqual([
      true,
      true,
      false,
    ])

    const backup = await paasJson<{ id: string; drill: { ok: boolean; counts: Record<string, number> } }>(
      ...['backups:create', shared, '--drill'],
    )
    expect(backup.drill.ok).toBe(true)
    // A bucket has no underscore where the database has one.
    const counted = Object.keys(backup.drill.counts).map((what) => what.replaceAll('_', '-'))
    expect(counted.some((what) => what.startsWith(own.pathname.slice(1).replaceAll('_', '-')))).toBe(true)
    await must('credentials:rotate', shared)
    expect(await ask('OWN_URL')).toEqual(['mine'])
    expect(await opens(app, own.href)).toBe(false)

    const inShared = async (): Promise<string> =>
      (await paas(['services:connect', shared], { input: `${names!}\n` })).output
    expect(await inShared()).toContain(own.username)
    const refused = await paas(['services:unlink', shared, '-a', app])
    expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('--drop-database')])
    await must('services:unlink', shared, '-a', app, '--drop-database')
    expect(await inShared()).not.toContain(own.username)
    await must('backups:destroy', backup.id)
    await must('services:destroy', shared, '--confirm', shared)
  })

  test.skipIf(names)('has no database of an app’s own', async () => {
    const [before, second] = [await variables(), `${name}-two`]
    await must('services:create', kind, second)
    expect((await paas(['services:link', second, '-a', app, '--own-database'])).code).toBe(2)
    expect(await variables()).toEqual(before)
    await must('services:destroy', second, '--confirm', second)
  })
})

test('expose opens a port of the server, and unexpose closes it', async () => {
  const { address, port } = await paasJson<{ address: string; port: number }>('services:expose', cache)
  expect(address).toBe('127.0.0.1')
  const { url } = await paasJson<{ url: string }>('services:credentials', cache)
  const { password } = new URL(url)
  const ping = (): Promise<Finished> =>
    run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), 'ping'], {
      env: { ...process.env, REDISCLI_AUTH: password },
    })
  await eventually('it answers', 10_000, async () => (await ping()).stdout === 'PONG\n')
  expect((await paas(['services:expose', cache])).code).toBe(1)
  expect((await paas(['services:expose', pg, '--port', String(port)])).code).toBe(2)
  for (const words of [
    ['--address', '203.0.113.7'],
    ['--address', 'here'],
    ['--port', '0'],
    ['--port', '70000'],
  ]) {
    expect((await paas(['services:expose', pg, ...words])).code, words.join(' ')).toBe(2)
  }
  await must('services:unexpose', cache)
  await must('services:unexpose', cache)
  expect((await ping()).output).toContain('refused')
  const everybody = await paas(['services:expose', cache, '--address', '0.0.0.0'])
  expect([everybody.code, everybody.stderr]).toEqual([0, expect.stringContaining('open to everybody')])
  await must('services:unexpose', cache)
})

test('clone copies the data into another service, which goes its own way', async () => {
  await sql(pg, 'CREATE TABLE one AS SELECT generate_series(1, 1000) n;')
  const copy = `${pg}-copy`
  await must('services:clone', pg, copy)
  expect(await sql(copy, 'SELECT count(*), sum(n) FROM one;')).toMatch(/1000\s+\|\s+500500/)
  await sql(copy, 'DELETE FROM one;')
  expect(await sql(pg, 'SELECT count(*) FROM one;')).toBe('1000')
  expect((await paas(['services:clone', pg, copy])).code).toBe(1)
  expect((await paas(['services:clone', 'nothing', 'other'])).code).toBe(3)
  expect((await paas(['services:clone', pg, 'Bad Name'])).code).toBe(2)
  await must('services:destroy', copy, '--confirm', copy)
})

test('rename leaves the app as it is', async () => {
  const other = `${pg}-new`
  await write('DATABASE_URL', 'before')
  await must('services:rename', pg, other)
  expect(await ask('DATABASE_URL')).toContain('before')
  expect((await paas(['services:info', pg])).code).toBe(3)
  expect((await paas(['services:rename', other, cache])).code).toBe(1)
  await must('services:restart', other)
  await works('DATABASE_URL')
  await must('services:rename', other, pg)
})

test('promote makes another linked service the main one, and keeps what was', async () => {
  const second = `${pg}-two`
  await must('services:create', 'postgres', second)
  await must('services:link', second, '-a', app)
  const before = await variables()
  const { links } = await paasJson<{ links: { variables: string[] }[] }>('services:info', second)
  const colour = links[0]!.variables[0]!
  await must('services:promote', second, '-a', app)
  const after = await variables()
  expect(after['DATABASE_URL']).toBe(before[colour])
  expect(Object.entries(after).filter(([, url]) => url === before['DATABASE_URL'])).toHaveLength(1)
  await write('DATABASE_URL', 'second')
  expect(await ask('DATABASE_URL')).toEqual(['second'])
  await must('services:promote', second, '-a', app)
  expect(await variables()).toEqual(after)
  await must('services:promote', pg, '-a', app)
  expect((await variables())['DATABASE_URL']).toBe(before['DATABASE_URL'])
  await must('services:unlink', second, '-a', app)
  expect(Object.values(await variables())).not.toContain(before[colour])
  expect((await paas(['services:promote', second, '-a', app])).code).toBe(3)
  await must('services:destroy', second, '--confirm', second)
})

describe('connect over ssh', () => {
  const options = () =>
    `${dev.env['GIT_SSH_COMMAND']!} -p ${instance.sshPort} ${instance.user}@127.0.0.1 services:connect`
  const inTerminal = (name: string, keys: string): Promise<Finished> =>
    run(
      '/bin/bash',
      ['-c', `(sleep 5; printf '${keys}'; sleep 2) | timeout 60 script -qec "$LINE" /dev/null`],
      {
        env: {
          ...dev.env,
          SHELL: '/bin/bash',
          LINE: `${options().replace(/^ssh /, 'ssh -t ')} ${name}; echo "exit code $?"`,
        },
      },
    )

  test('has a terminal in psql', async () => {
    const { output } = await inTerminal(pg, 'SELECT 6*7 AS answer;\\r\\\\q\\r')
    expect(output).toMatch(/=[>#] SELECT 6\*7[^]*answer[^]*42[^]*exit code 0/)
  })

  test('has a terminal in redis-cli', async () => {
    const { output } = await inTerminal(cache, 'INCRBY answer 42\\rquit\\r')
    expect(output).toMatch(/\(integer\) 42[^]*exit code 0/)
  })

  test('reads commands from a pipe, and passes the exit code on', async () => {
    const piped = (text: string): Promise<Finished> =>
      run('/bin/bash', ['-c', `${options()} ${pg}`], { env: dev.env, input: text })
    expect((await piped('SELECT 6*7;\n')).stdout).toContain('42')
    expect((await piped('\\set ON_ERROR_STOP 1\nnonsense;\n')).code).toBe(3)
  })
})

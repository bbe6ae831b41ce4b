import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { instancePaths } from '../../src/lib/paths.ts'
import { docker } from '../support/docker.ts'
import { instance, paas, paths, probe } from '../support/instance.ts'
import { appName, createLaptop } from '../support/laptop.ts'
import { type PrivateInstance, setUpPrivateInstance } from '../support/private-instance.ts'
import { eventually, mustRun, run } from '../support/process.ts'
import { type TestInstance } from '../support/test-instance.ts'

const app = appName('moved')
const database = app.replace('moved', 'db')
const archive = join(instance.root, 'whole.backup')
const laptop = await createLaptop('mover', { role: 'admin' })
let elsewhere: PrivateInstance

beforeAll(async () => {
  elsewhere = await setUpPrivateInstance()
}, 300_000)
afterAll(async () => {
  await elsewhere.remove()
  await laptop[Symbol.asyncDispose]()
  await paas(['services:destroy', database, '--confirm', database, '--force'])
}, 120_000)

const at = ({ root }: { root: string }, ...args: string[]): Promise<string> =>
  mustRun(instancePaths(root).launcher, args)
const jsonAt = async <T>(where: { root: string }, ...args: string[]): Promise<T> =>
  JSON.parse(await at(where, ...args, '--json')) as T
const sqlAt = async ({ root }: { root: string }, text: string): Promise<string> =>
  (
    await run(instancePaths(root).launcher, ['services:connect', database], {
      input: `\\pset tuples_only on\n${text}\n`,
    })
  ).stdout

async function inContainer({ name }: TestInstance, ...command: string[]): Promise<string> {
  const filters = [`label=paas.instance=${name}`, 'label=paas.type=web', `name=^/${app}\\.`]
  const ids = await docker('ps', '--quiet', ...filters.flatMap((filter) => ['--filter', filter]))
  return docker('exec', ids.split('\n')[0]!, ...command)
}

/** What there is of the app, as people see it, with what differs from server to server left out. */
async function facts(where: TestInstance): Promise<unknown> {
  const [apps, releases, config, domains, keys] = await Promise.all([
    jsonAt<{ name: string }[]>(where, 'apps:list'),
    jsonAt<Record<string, unknown>[]>(where, 'releases:list', '-a', app),
    jsonAt<unknown>(where, 'config:list', '-a', app),
    at(where, 'domains:list', '-a', app),
    jsonAt<{ name: string; fingerprint: string; role: string }[]>(where, 'keys:list'),
  ])
  return {
    apps: apps.filter(({ name }) => name === app),
    releases,
    config,
    domains: domains.replaceAll(where.domain, 'DOMAIN').replaceAll(String(where.httpPort), 'PORT'),
    keys: keys.filter(({ name }) => name === laptop.name),
  }
}

/** One request to the app on an instance, by any of its hosts. */
async function answerOf({ httpPort }: TestInstance, host: string): Promise<string> {
  const sent = request({
    host: '127.0.0.1',
    port: httpPort,
    path: '/facts',
    headers: { host },
    agent: false,
  }).end()
  const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }]
  let text = ''
  for await (const part of response) text += part.toString()
  return response.statusCode === 200 ? text : `status ${response.statusCode}`
}

test('a whole server comes back on another one', { timeout: 600_000 }, async () => {
  const must = async (...args: string[]): Promise<void> => {
    const { code, output } = await paas(args)
    expect(code, output).toBe(0)
  }
  const clone = await laptop.clone(app)
  await clone.deploy()
  await must('services:create', 'postgres', database)
  await must('services:link', database, '-a', app)
  await must('config:set', '-a', app, 'GREETING=canary-7d21 "quoted"')
  await must('domains:add', '-a', app, 'moved.example.org')
  await must('storage:mount', app, 'files:/files')
  await must('scale', '-a', app, 'web=2')
  await clone.deploy({ 'version.js': "export const version = 'two'\n" })
  await sqlAt(instance, 'CREATE TABLE t AS SELECT n, md5(n::text) AS text FROM generate_series(1, 5000) n;')
  await inContainer(instance, 'sh', '-c', 'echo kept > /files/note && chmod 640 /files/note')
  const checksum = 'SELECT count(*), md5(string_agg(t::text, $$,$$ ORDER BY n)) FROM t;'
  const [before, rows] = [await facts(instance), await sqlAt(instance, checksum)]
  expect(rows).toContain('5000')

  await must('server:backup', archive)
  expect((await stat(archive)).mode & 0o777).toBe(0o600)
  expect((await mustRun('grep', ['--count', '--text', 'canary-7d21', archive]).catch(() => '0')).trim()).toBe(
    '0',
  )

  // What it would do is said, and not done; without the key of the server that made it nothing opens.
  const other = elsewhere.instance
  const restore = ['server:restore', archive, '--key', paths.masterKey]
  const wrongKey = await run(instancePaths(other.root).launcher, ['server:restore', archive, '--dry-run'])
  expect([wrongKey.code, wrongKey.stderr]).toEqual([1, expect.stringContaining('--key FILE')])
  const plan = await at(other, ...restore, '--dry-run')
  expect(plan).toMatch(new RegExp(`^\\+ app +${app} +v\\d+; commit: [0-9a-f]{7}; config: .*GREETING`, 'm'))
  expect(plan).toMatch(new RegExp(`^\\+ service +${database} +postgres 17`, 'm'))
  expect(plan).not.toContain('canary')
  const { differences } = await jsonAt<{ differences: { of: string; name: string; change: string }[] }>(
    other,
    ...restore,
    '--dry-run',
  )
  expect(differences).toContainEqual(
    expect.objectContaining({ of: 'key', name: laptop.name, change: 'comes' }),
  )
  expect(await jsonAt(other, 'apps:list')).toEqual([])

  await at(other, ...restore, '--confirm', other.domain)
  for (const host of [`${app}.${other.domain}`, 'moved.example.org']) {
    await eventually(`${host} answers`, 60_000, async () =>
      (await answerOf(other, host).catch(() => '')).includes('"version":"two"'),
    )
  }
  expect(await facts(other)).toEqual(before)
  await eventually('the rows are there', 30_000, async () => (await sqlAt(other, checksum)) === rows)
  expect(await inContainer(other, 'sh', '-c', 'cat /files/note; stat -c %a /files/note')).toBe('kept\n640\n')
  // The app gets in with the credentials that it had.
  expect(await inContainer(other, 'sh', '-c', 'echo "$DATABASE_URL $GREETING"')).toBe(
    await inContainer(instance, 'sh', '-c', 'echo "$DATABASE_URL $GREETING"'),
  )
  // What it came from goes on, and neither knows of the other.
  expect((await probe(app)).version).toBe('two')

  // The same archive once more, on a server that has it: nothing differs but what was done since.
  await at(other, 'config:set', '-a', app, 'SINCE=then')
  await sqlAt(other, 'DELETE FROM t;')
  expect(await at(other, ...restore, '--dry-run')).toMatch(
    new RegExp(`^~ app +${app} +v\\d+ → v\\d+;.*config: .*SINCE`, 'm'),
  )
  await at(other, ...restore, '--confirm', other.domain)
  await eventually('the rows are there again', 60_000, async () => (await sqlAt(other, checksum)) === rows)
  await eventually('the app is as it was', 60_000, async () =>
    facts(other).then(
      (now) => JSON.stringify(now) === JSON.stringify(before),
      () => false,
    ),
  )
  const state = await jsonAt<{ file: string }[]>(other, 'server:backups')
  expect(state.length).toBeGreaterThan(0)
})

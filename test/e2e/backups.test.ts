import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { instance, paas, paasJson, paths } from '../support/instance.ts'
import { appName } from '../support/laptop.ts'
import { eventually, mustRun, run, start } from '../support/process.ts'
import { type S3Server, startS3 } from '../support/s3.ts'

type Backup = {
  id: string
  status: string
  scheduled: boolean
  reason: string | null
  copies: { store: string; status: string }[]
  drill: { ok: boolean; reason: string | null; counts: Record<string, number> } | null
}

const name = appName('saved').slice(0, 20)
const rows = 20_000

async function must(...args: string[]): Promise<string> {
  const { code, output, stdout } = await paas(args)
  expect(code, output).toBe(0)
  return stdout
}
const list = async (): Promise<Backup[]> =>
  (await paasJson<{ backups: Backup[] }>('backups:list', name)).backups
const create = (...flags: string[]): Promise<Backup> => paasJson<Backup>('backups:create', name, ...flags)
const partOf = ({ id }: Pick<Backup, 'id'>): string => join(paths.backups, id, '0.sealed')
const sql = async (text: string): Promise<string> =>
  (await paas(['services:connect', name], { input: `\\pset tuples_only on\n${text}\n` })).stdout.trim()
const lastEvent = async (): Promise<{ name: string; facts: Record<string, unknown> }> =>
  (await paasJson<{ name: string; facts: Record<string, unknown> }[]>('events', '-n', '1'))[0]!
/** A hook that keeps what it is told; resolves to that as it is now. */
async function listen(event: string): Promise<() => Promise<unknown>> {
  const heard = join(instance.root, `heard-${event}`)
  await mkdir(paths.hooks, { recursive: true })
  await writeFile(join(paths.hooks, event), `#!/bin/sh\ncat > '${heard}'\n`)
  await chmod(join(paths.hooks, event), 0o755)
  return () => readFile(heard, 'utf8').then(JSON.parse, () => undefined)
}
const checksum = 'SELECT count(*), md5(string_agg(t::text, $$,$$ ORDER BY n)) FROM t;'

beforeAll(async () => {
  await must('services:create', 'postgres', name)
  await sql(`CREATE TABLE t AS SELECT n, md5(n::text) AS text FROM generate_series(1, ${rows}) n;`)
}, 400_000)

afterAll(async () => {
  await paas(['services:destroy', name, '--confirm', name])
  for (const { id } of await list()) await paas(['backups:destroy', id])
  await rm(paths.hooks, { recursive: true, force: true })
})

describe('what is restored', () => {
  test('is what was there when it was saved', async () => {
    const before = await sql(checksum)
    const backup = await create('--drill')
    expect(backup.drill).toMatchObject({ ok: true, counts: { 'table public.t': rows } })
    await sql('DELETE FROM t WHERE n % 2 = 0;')
    await must('backups:restore', name, backup.id)
    expect(await sql(checksum)).toBe(before)
  })

  test('nothing of it is readable on the disk', async () => {
    const backup = await create()
    const bytes = await readFile(partOf(backup))
    expect(bytes.includes('PGDMP')).toBe(false)
    const key = await readFile(paths.backupKey)
    expect(key).toHaveLength(32)
    const everything = await Promise.all(
      (await readdir(join(paths.backups, backup.id))).map((file) =>
        readFile(join(paths.backups, backup.id, file)),
      ),
    )
    expect(everything.some((file) => file.includes(key) || file.includes(key.toString('base64')))).toBe(false)
  })

  test.each(['another key', 'a changed byte', 'an early end'])('%s changes nothing', async (what) => {
    const before = await sql(checksum)
    const backup = await create()
    const wrong = join(instance.root, 'wrong.key')
    if (what === 'another key') await writeFile(wrong, randomBytes(32))
    if (what === 'a changed byte') {
      await using file = await open(partOf(backup), 'r+')
      await file.write(Buffer.of(1, 2, 3, 4), 0, 4, 5_000)
    }
    if (what === 'an early end') {
      await using file = await open(partOf(backup), 'r+')
      await file.truncate(70_000)
    }
    const flags = what === 'another key' ? ['--key', wrong] : []
    const { code, output } = await paas(['backups:restore', name, backup.id, ...flags])
    expect([code, output]).toEqual([1, expect.stringMatching(/made with the key|does not open|checksum/)])
    expect(await sql(checksum)).toBe(before)
    if (what === 'another key') return rm(wrong)
    const drill = await paas(['backups:drill', backup.id])
    expect([drill.code, drill.stdout]).toEqual([1, expect.stringContaining('NOT RESTORABLE')])
    expect(await lastEvent()).toMatchObject({
      name: 'backup-drill-failed',
      facts: { backup: backup.id, of: name },
    })
  })
})

test('one that is given up leaves nothing, and its dump ends', async () => {
  const before = await list()
  const dumps = (): Promise<string> =>
    sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump';")
  const holder = start(paths.launcher, ['services:connect', name], {
    input: 'BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60);\n',
  })
  const locks =
    "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 't'::regclass;"
  await eventually('the table is locked', 20_000, async () => (await sql(locks)) === '1')
  const { child, finished } = start(paths.launcher, ['backups:create', name])
  await eventually('the dump waits for it', 20_000, async () => (await dumps()) === '1')
  child.kill('SIGINT')
  expect((await finished).code).not.toBe(0)
  await eventually('the dump has ended', 10_000, async () => (await dumps()) === '0')
  await eventually(
    'what it had written is gone',
    10_000,
    async () => !(await readdir(paths.backups)).some((file) => file.endsWith('.part')),
  )
  expect(await list()).toEqual(before)
  await sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%';")
  await holder.finished
})

test('a disk that is full leaves no backup that looks like one', async () => {
  const folder = paths.backups
  await mustRun('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder])
  try {
    const { code, output } = await paas(['backups:create', name])
    expect([code, output]).toEqual([1, expect.stringContaining('ENOSPC')])
    expect(await readdir(folder)).toEqual([])
  } finally {
    await mustRun('umount', [folder])
  }
  const failed = (await list()).at(-1)!
  expect(failed).toMatchObject({ status: 'failed', reason: expect.stringContaining('ENOSPC') as string })
  expect((await paas(['backups:restore', name, failed.id])).code).toBe(1)
})

test('a schedule saves, proves, and forgets what it does not keep', { timeout: 300_000 }, async () => {
  await must('backups:schedule', name, '* * * * *', '--keep', '1d')
  const scheduled = async (): Promise<Backup[]> => (await list()).filter((backup) => backup.scheduled)
  await eventually('one is proven', 100_000, async () => (await scheduled())[0]?.drill?.ok === true)
  const [first] = await scheduled()
  await eventually('the next one takes its place', 130_000, async () => {
    const now = await scheduled()
    return now.length === 1 && now[0]!.id !== first!.id
  })
  await must('backups:unschedule', name)
  expect((await paas(['backups:schedule', name, 'whenever'])).code).toBe(2)
})

test('a scheduled backup that fails is told of', { timeout: 300_000 }, async () => {
  const heard = await listen('backup-failed')
  await must('services:stop', name)
  await must('backups:schedule', name, '* * * * *', '--keep', '1d')
  await eventually('it has failed', 100_000, async () => (await lastEvent()).name === 'backup-failed')
  await must('backups:unschedule', name)
  await must('services:start', name)
  const facts = { of: name, reason: expect.stringContaining('does not run') as string }
  expect((await lastEvent()).facts).toMatchObject(facts)
  await eventually('its hook has run', 10_000, async () => (await heard()) !== undefined)
  expect(await heard()).toMatchObject({ event: 'backup-failed', ...facts })
})

describe('an off-site store', () => {
  let server: S3Server

  beforeAll(async () => {
    server = await startS3(instance.name)
    const { endpoint } = server
    const added = await paas(['backups:stores:add', 'offsite', 's3://bucket/here/', '--endpoint', endpoint], {
      input: 'AKIAEXAMPLE secret\n',
    })
    expect(added.code, added.output).toBe(0)
  }, 400_000)

  afterAll(async () => {
    await run('docker', ['start', server.container])
    for (const { id } of await list()) await paas(['backups:destroy', id])
    await paas(['backups:stores:remove', 'offsite'])
    await server.remove()
  })

  test('has a copy in parts, which is restored where the disk has none', { timeout: 300_000 }, async () => {
    // More than a part of 8 MiB, of what does not compress.
    await sql(
      'CREATE TABLE big AS SELECT n, encode(sha512(n::text::bytea), $$hex$$) AS text FROM generate_series(1, 250000) n;',
    )
    const backup = await create('--to', 'offsite')
    expect(backup.copies).toEqual([{ store: 'offsite', status: 'stored', reason: null }])
    const there = await mustRun('sha256sum', [partOf(backup)])
    expect((await readFile(partOf(backup))).length).toBeGreaterThan(10 * 1024 * 1024)
    expect(there).toMatch(/^[0-9a-f]{64}/)
    await rm(partOf(backup))
    await sql('DROP TABLE big;')
    await must('backups:restore', name, backup.id)
    expect(await sql('SELECT count(*) FROM big;')).toBe('250000')
    await sql('DROP TABLE big;')
  })

  test('that is down is tried again, and then told of', { timeout: 300_000 }, async () => {
    const heard = await listen('backup-copy-failed')
    await mustRun('docker', ['stop', '--time', '1', server.container])
    const { code, output } = await paas(['backups:create', name, '--to', 'offsite'])
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(/again in 2 s[^]*again in 30 s[^]*offsite FAILED/),
    ])
    expect(await heard()).toMatchObject({ event: 'backup-copy-failed', of: name, to: 'offsite' })
    expect(await lastEvent()).toMatchObject({
      name: 'backup-copy-failed',
      facts: { of: name, to: 'offsite' },
    })
    const last = (await list()).at(-1)!
    expect(last).toMatchObject({ status: 'complete', copies: [{ store: 'offsite', status: 'failed' }] })
  })
})

import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { instance, paas, paasJson, paths } from '../support/instance.ts'
import { appName } from '../support/laptop.ts'
import { eventually, mustRun, run } from '../support/process.ts'
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
const checksum = 'SELECT count(*), md5(string_agg(t::text, $$,$$ ORDER BY n)) FROM t;'

beforeAll(async () => {
  await must('services:create', 'postgres', name)
  await sql(`CREATE TABLE t AS SELECT n, md5(n::text) AS text FROM generate_series(1, ${rows}) n;`)
}, 400_000)

afterAll(async () => {
  await paas(['services:destroy', name, '--confirm', name])
  for (const { id } of await list()) await paas(['backups:destroy', id])
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
  })
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

describe('an off-site store', () => {
  const hook = join(paths.hooks, 'backup-copy-failed')
  const heard = join(instance.root, 'heard')
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
    await rm(hook, { force: true })
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
    await mkdir(paths.hooks, { recursive: true })
    await writeFile(hook, `#!/bin/sh\ncat > '${heard}'\n`)
    await chmod(hook, 0o755)
    await mustRun('docker', ['stop', '--time', '1', server.container])
    const { code, output } = await paas(['backups:create', name, '--to', 'offsite'])
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(/again in 2 s[^]*again in 30 s[^]*offsite FAILED/),
    ])
    const told = JSON.parse(await readFile(heard, 'utf8')) as Record<string, unknown>
    expect(told).toMatchObject({ event: 'backup-copy-failed', of: name, to: 'offsite' })
    const [event] = await paasJson<{ name: string; facts: unknown }[]>('events', '-n', '1')
    const facts = expect.objectContaining({ of: name, to: 'offsite' }) as unknown
    expect(event).toMatchObject({ name: 'backup-copy-failed', facts })
    const last = (await list()).at(-1)!
    expect(last).toMatchObject({ status: 'complete', copies: [{ store: 'offsite', status: 'failed' }] })
  })
})

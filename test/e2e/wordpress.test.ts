import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { get, hostOf, instance, paas, paasJson } from '../support/instance.ts'
import { appName, createLaptop } from '../support/laptop.ts'
import { eventually, mustRun } from '../support/process.ts'

// What docs/wordpress.md says, with a small app of ours that behaves like WordPress.

const dev = await createLaptop('wordpress')
const app = appName('notes')
const database = appName('notesdb')
afterAll(async () => {
  await paas(['services:destroy', database, '--force', '--confirm', database])
  const { backups } = await paasJson<{ backups: { id: string; of: string }[] }>('backups:list')
  const ours = backups.filter(({ of }) => of === database || of.startsWith(`${app}:`))
  for (const { id } of ours) await paas(['backups:destroy', id])
  await dev[Symbol.asyncDispose]()
})

async function must(...args: string[]): Promise<void> {
  const { code, output } = await paas(args)
  expect(code, output).toBe(0)
}

const curl = (path: string, ...args: string[]): Promise<string> =>
  mustRun('curl', [
    '-sS',
    '-H',
    `Host: ${hostOf(app)}`,
    ...args,
    `http://127.0.0.1:${instance.httpPort}${path}`,
  ])

test(
  'a PHP app with MariaDB and uploads lives through scaling, an update and the loss of all its data',
  { timeout: 900_000 },
  async () => {
    await must('services:create', 'mariadb', database)
    const clone = await dev.clone(app, { from: 'php-notes' })
    await must('apps:create', app)
    await must('services:link', database, '-a', app)
    await must('storage:mount', app, 'uploads:/app/uploads')
    await clone.deploy()

    expect((await get(hostOf(app))).headers.location).toBe('/install.php')
    await curl('/install.php', '--data-urlencode', 'title=Notes of Zoë')
    const picture = randomBytes(50_000)
    const file = join(dev.folder, 'picture.png')
    await writeFile(file, picture)
    const posted = await curl(
      '/post.php',
      '-F',
      'text=The first — with “quotes”',
      '-F',
      `upload=@${file}`,
      '-w',
      '%{http_code}',
    )
    expect(posted, (await paas(['logs', '-a', app])).stdout).toBe('302')
    await must('scale', '-a', app, 'web=2')
    const page = (await get(hostOf(app))).body
    expect(page).toContain('Notes of Zoë')
    expect(page).toContain('The first — with “quotes”')
    const upload = (): Promise<string> =>
      mustRun('bash', [
        ...['-c', 'curl -sS -H "Host: $1" "$2" | sha256sum', 'upload'],
        ...[hostOf(app), `http://127.0.0.1:${instance.httpPort}/uploads/picture.png`],
      ])
    const sum = await upload()
    expect(sum).toBe(await mustRun('bash', ['-c', 'sha256sum < "$1"', 'sum', file]))
    // Both containers have the same files.
    for (let i = 0; i < 4; i++) expect(await upload()).toBe(sum)

    await clone.deploy({ 'version.php': "<?php\nreturn 'notes 2';\n" })
    const updated = page.replace('notes 1', 'notes 2')
    expect((await get(hostOf(app))).body).toBe(updated)

    const saved = await paasJson<{ id: string; drill: { ok: boolean } }>(
      'backups:create',
      database,
      '--drill',
    )
    expect(saved.drill.ok).toBe(true)
    const files = await paasJson<{ id: string; drill: { ok: boolean; counts: Record<string, number> } }>(
      ...['backups:create', `${app}:uploads`, '--drill'],
    )
    expect(files.drill).toMatchObject({ ok: true, counts: { files: 1, bytes: 50_000 } })

    await must('services:destroy', database, '--force', '--confirm', database)
    await must('ps:exec', '-a', app, 'web.1', '--', 'rm', 'uploads/picture.png')
    expect((await get(hostOf(app))).status).toBe(500)

    await must('backups:restore', database, saved.id)
    await must('services:link', database, '-a', app)
    await must('storage:restore', app, 'uploads', files.id)
    await eventually('the page is there again', 30_000, async () => (await get(hostOf(app))).status === 200)
    expect((await get(hostOf(app))).body).toBe(updated)
    expect(await upload()).toBe(sum)
  },
)

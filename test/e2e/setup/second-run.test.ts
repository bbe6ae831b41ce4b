import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { get, hostOf, instance, paasJson, paths, pidOf } from '../../support/instance.ts'
import { mustRun } from '../../support/process.ts'

/** `bin/setup` on an instance that is there. */
const setup = join(import.meta.dirname, '../../../bin/setup')
const setUp = (...args: string[]) => mustRun(setup, ['--root', instance.root, ...args])

/** Every file that set-up is responsible for, with what tells whether it was touched. */
async function fingerprint(): Promise<string[]> {
  const folders = [paths.etc, join(instance.root, 'usr/local/bin'), paths.opt]
  const files = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => join(folder, name))),
  )
  const facts = files.flat().map(async (file) => {
    const { mtimeMs, ino, mode, uid, gid } = await stat(file)
    return `${file} ${mtimeMs} ${ino} ${mode} ${uid} ${gid}`
  })
  return (await Promise.all(facts)).sort()
}

const processes = () => Promise.all((['serve', 'redis', 'controller', 'router', 'sshd'] as const).map(pidOf))

test('a second run finds everything in place, changes nothing, and takes seconds', async () => {
  const before = await fingerprint()
  const running = await processes()
  const started = performance.now()
  const output = await setUp()
  expect(performance.now() - started).toBeLessThan(20_000)
  expect(output).toContain('-----> Everything was in place; nothing was changed.')
  expect(output.match(/^-----> .*/gm)?.filter((line) => !line.endsWith(': in place'))).toHaveLength(1)
  expect(await fingerprint()).toEqual(before)
  expect(await processes()).toEqual(running)
})

test('--dry-run of a change says what it would write, and writes nothing', async () => {
  const before = await fingerprint()
  const output = await setUp('--domain', 'elsewhere.example.com', '--dry-run')
  expect(output).toContain(`       would write ${paths.settings}\n`)
  expect(output).toContain('       would restart with the new settings\n')
  expect(await fingerprint()).toEqual(before)
})

test('--demo pushes an app and shows its first response, twice in a row', async () => {
  const first = await setUp('--demo')
  expect(first).toContain('remote: -----> Building with node')
  expect(first).toContain('=====> v1 is live')
  expect(first).toMatch(
    new RegExp(`-----> http://${hostOf('hello')}:${instance.httpPort}/\n {7}HTTP 200\n {7}Hello from paas!`),
  )
  expect((await get(hostOf('hello'))).body).toContain('Hello from paas!')

  const second = await setUp('--demo')
  expect(second).toContain('Everything up-to-date')
  expect(second).toContain('       HTTP 200\n       Hello from paas!')
  expect(second).toContain('-----> Everything was in place; nothing was changed.')
  const keys = await paasJson<{ name: string; role: string; apps?: string[] }[]>('keys:list')
  expect(keys.filter(({ name }) => name === 'demo')).toMatchObject([{ role: 'deploy', apps: ['hello'] }])
  await mustRun(paths.launcher, ['apps:destroy', '-a', 'hello', '--confirm', 'hello'])
  await mustRun(paths.launcher, ['keys:remove', 'demo'])
})

import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { hostOf, instance, paas, paasJson, paths, pidOf, probe } from '../support/instance.ts'
import { appName, createLaptop } from '../support/laptop.ts'
import { startLoad } from '../support/load.ts'
import { eventually, type Finished, run } from '../support/process.ts'

const repository = join(import.meta.dirname, '../..')
const app = appName('served')
const laptop = await createLaptop('upgrader')
const copies: string[] = []
afterAll(async () => {
  await laptop[Symbol.asyncDispose]()
  for (const copy of copies) await rm(copy, { recursive: true, force: true })
})

/** Another version of the program: a copy of this clone, changed. */
async function otherVersion(version: string, change: (folder: string) => Promise<void>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'paas-other-version-'))
  copies.push(folder)
  const parts = ['bin', 'src', 'buildpacks', 'LICENSE', 'package.json', 'package-lock.json', 'tsconfig.json']
  for (const part of [...parts, 'tsconfig.build.json'])
    await cp(join(repository, part), join(folder, part), { recursive: true })
  const manifest = join(folder, 'package.json')
  const text = await readFile(manifest, 'utf8')
  await writeFile(manifest, text.replace(/"version": "[^"]+"/, `"version": "${version}"`))
  await change(folder)
  return folder
}

const upgrade = (...args: string[]): Promise<Finished> => run(paths.launcher, ['upgrade', ...args])
const running = async (): Promise<string> => (await paasJson<{ version: string }>('version')).version
const names = async (): Promise<string[]> =>
  (await paasJson<{ name: string }[]>('apps:list')).map(({ name }) => name)

test(
  'no request fails while the program is upgraded, goes back, and refuses a version that is not well',
  { timeout: 900_000 },
  async () => {
    const clone = await laptop.clone(app)
    await clone.deploy()
    await eventually('the app answers', 10_000, () => probe(app))
    const before = await running()
    const redis = await pidOf('redis')
    // One with another layout of the state, so that the way back needs the state of then.
    const next = await otherVersion('99.1.0', async (folder) => {
      const schema = join(folder, 'src/store/schema.ts')
      const text = await readFile(schema, 'utf8')
      const step =
        "{ what: 'a step of a test', change: (records) => [...records] },\n]\n\n/** The layout that"
      await writeFile(schema, text.replace(']\n\n/** The layout that', step))
    })
    const broken = await otherVersion('99.2.0', (folder) =>
      appendFile(join(folder, 'src/main/controller.ts'), "\nthrow new Error('a broken version')\n"),
    )
    const load = startLoad({ port: instance.httpPort, host: hostOf(app), perSecond: 600, connections: 40 })

    const plan = await upgrade('--from', next, '--plan')
    expect([plan.code, plan.stdout]).toEqual([
      0,
      expect.stringMatching(/From \S+ \([0-9a-f]{7}\) to 99\.1\.0 of/),
    ])
    expect(await running()).toBe(before)

    const up = await upgrade('--from', next)
    expect(up.code, up.output).toBe(0)
    expect(await running()).toBe('99.1.0')
    const made = appName('made-since')
    expect((await paas(['apps:create', made])).code).toBe(0)

    // What is not well is not kept, nothing of it stays, and the way back is the one that there was.
    const versions = await readdir(join(paths.opt, 'versions'))
    const failed = await upgrade('--from', broken)
    expect([failed.code, failed.output]).toEqual([
      1,
      expect.stringMatching(/99\.1\.0 \([0-9a-f]{7}\) runs again/),
    ])
    expect(await running()).toBe('99.1.0')
    expect(await names()).toContain(made)
    const left = await readdir(join(paths.opt, 'versions'))
    expect(versions).toEqual(expect.arrayContaining(left))
    expect(left).toHaveLength(2)

    // The version of before cannot read the state as it is now, so what was changed since must be given up.
    const back = await upgrade('--back')
    expect([back.code, back.stderr]).toEqual([2, expect.stringContaining('--give-up-state')])
    expect(await running()).toBe('99.1.0')
    const really = await upgrade('--back', '--give-up-state')
    expect(really.code, really.output).toBe(0)
    expect(await running()).toBe(before)
    expect(await names()).toContain(app)
    expect(await names()).not.toContain(made)

    const report = await load.stop()
    console.log(report)
    expect(report.failures).toEqual([])
    expect(report.sent).toBeGreaterThanOrEqual(20_000)
    expect(await pidOf('redis')).toBe(redis)
  },
)

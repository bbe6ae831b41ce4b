import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { addBuildpack, removeBuildpack } from '../../../src/build/added-buildpacks.ts'
import { loadBuildpacks } from '../../../src/build/buildpack.ts'
import { planBuild } from '../../../src/build/detect.ts'
import { sourceOf, tarOf } from './source-of.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paas-buildpacks-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** The buildpack that docs/buildpacks.md shows. */
async function example(): Promise<Record<string, string>> {
  const guide = await readFile(join(import.meta.dirname, '../../../docs/buildpacks.md'), 'utf8')
  const block = (language: string): string =>
    new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'm').exec(guide)?.[1] ?? ''
  return { 'buildpack.json': block('json'), Dockerfile: block('dockerfile') }
}

test('the guide’s example is taken in, builds apps, and goes again', async () => {
  const added = join(folder, 'added')
  await addBuildpack(added, 'lua', { tar: tarOf(await example()) })
  const buildpacks = await loadBuildpacks([added])
  await using spooled = await sourceOf({ 'main.lua': '' })
  expect(planBuild(spooled.source, { buildpacks })).toMatchObject({
    builder: 'lua',
    processes: { web: { command: 'lua5.4 main.lua' } },
    dockerfile: expect.stringContaining('COPY app /app\n') as string,
  })
  await removeBuildpack(added, 'lua')
  expect(await loadBuildpacks([added])).toEqual([])
  await expect(removeBuildpack(added, 'lua')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test.each<[string, Record<string, string>, RegExp]>([
  ['no manifest', { Dockerfile: 'FROM scratch' }, /buildpack\.json: ENOENT/],
  ['an unknown key', { 'buildpack.json': '{"name": "lua", "summary": "", "detect": [], "x": 1}' }, /x/],
  [
    'no Dockerfile',
    { 'buildpack.json': '{"name":"lua","summary":"s","detect":[{"when":{"exists":"a"},"sure":1}]}' },
    /there is no Dockerfile/,
  ],
  [
    'a pattern that is none',
    {
      'buildpack.json': '{"name":"lua","summary":"s","detect":[{"when":{"file":"a","match":"("},"sure":1}]}',
      Dockerfile: '',
    },
    /regular expression/,
  ],
])('%s is refused, and the one that was there stays', async (_, files, message) => {
  const added = join(folder, 'added')
  await addBuildpack(added, 'lua', { tar: tarOf(await example()) })
  await expect(addBuildpack(added, 'lua', { tar: tarOf(files) })).rejects.toMatchObject({
    code: 'BUILDPACK_INVALID',
    message: expect.stringMatching(message) as string,
  })
  expect(await readdir(added)).toEqual(['lua'])
})

test('a name that is not the buildpack’s own', async () => {
  await mkdir(join(folder, 'from'))
  for (const [name, text] of Object.entries(await example()))
    await writeFile(join(folder, 'from', name), text)
  await expect(
    addBuildpack(join(folder, 'added'), 'elm', { path: join(folder, 'from') }),
  ).rejects.toMatchObject({
    message: 'The buildpack calls itself lua, not elm.',
  })
})

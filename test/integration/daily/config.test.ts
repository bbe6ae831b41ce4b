import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRig, type Rig } from './rig.ts'

let rig: Rig
let folder = ''
beforeAll(async () => {
  rig = await startRig()
  await rig.app('blog')
  await rig.json('config:set', '-a', 'blog', 'A=1', 'B=two words')
  folder = await mkdtemp(join(tmpdir(), 'paas-config-'))
}, 120_000)
afterAll(async () => {
  await rig[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const state = async (): Promise<unknown> => [
  await rig.json('apps:info', '-a', 'blog'),
  JSON.parse((await rig.paas(['config:export', '-a', 'blog', '--format', 'json'])).stdout),
]

test.each([
  ['nothing', ''],
  ['only comments', '# A=1\n\n'],
  ['words', 'this is no env file\n'],
  ['one garbled line', 'A=2\nB two words\nC=3\n'],
  ['a quote that does not end', 'A=2\nB="two words\nC=3\n'],
  ['JSON that is none', '{"A": "2",'],
  ['JSON of other things', '{"A": 2}'],
  ['a name that is none', '{"A B": "2"}'],
  ['bytes', Buffer.from([0, 1, 2, 255, 254, 10, 65, 61])],
  ['a NUL in a value', '{"A": "x\\u0000y"}'],
  ['a value that no process can take', JSON.stringify({ A: 'x'.repeat(200_000) })],
])('an import of %s is refused and changes nothing', async (_, content) => {
  const before = await state()
  const file = join(folder, 'env')
  await writeFile(file, content)
  const { code, output } = await rig.paas(['config:import', '-a', 'blog', file])
  expect(code, output).toBe(2)
  expect(output).not.toContain('two words')
  expect(await state()).toEqual(before)
})

test('a file comes through to the byte, or is refused where it is no text', async () => {
  const file = join(folder, 'value')
  await writeFile(file, '\uFEFFé\r\n ✓\n\n')
  expect((await rig.paas(['config:set', '-a', 'blog', '--no-restart', `F=@${file}`])).code).toBe(0)
  expect((await rig.paas(['config:get', '-a', 'blog', 'F'])).stdout).toBe('\uFEFFé\r\n ✓\n\n')
  await rig.json('config:unset', '-a', 'blog', '--no-restart', 'F')
  await writeFile(file, Buffer.from('caf\xe9', 'latin1'))
  const refused = await rig.paas(['config:set', '-a', 'blog', `F=@${file}`])
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('is not UTF-8')])
  expect((await rig.paas(['config:get', '-a', 'blog', 'F'])).code).toBe(3)
})

test('a change of every app’s config that changes nothing makes no release', async () => {
  await rig.json('config:set', '--global', 'G=1')
  const { release } = await rig.json<{ release: { version: number } }>('apps:info', '-a', 'blog')
  expect(await rig.json('config:set', '--global', 'G=1')).toMatchObject({ outcome: 'unchanged', apps: [] })
  expect(await rig.json('apps:info', '-a', 'blog')).toMatchObject({ release: { version: release.version } })
  await rig.json('config:unset', '--global', 'G')
})

test('an import of a file that is not there, or is a folder, changes nothing', async () => {
  const before = await state()
  const missing = await rig.paas(['config:import', '-a', 'blog', join(folder, 'nothing')])
  expect([missing.code, missing.output]).toEqual([2, expect.stringContaining('nothing')])
  const noFile = await rig.paas(['config:import', '-a', 'blog', folder])
  expect([noFile.code, noFile.output]).toEqual([2, expect.stringContaining('this is a folder')])
  expect(await state()).toEqual(before)
})

test.each([
  ['ends with an error', "export EDITOR='false'", /nothing was changed/],
  ['is not there', "export EDITOR='/nonexistent/editor'", /could not be started/],
  ['changes nothing', "export EDITOR='true'", /Nothing was changed/],
  ['leaves a line that is none', `export EDITOR="sed -i 's/^B=.*/B two words/'"`, /Line 3 is not NAME=value/],
])('an editor that %s changes nothing', async (_, setUp, says) => {
  const before = await state()
  expect((await rig.inTerminal(['config:edit', '-a', 'blog'], [], setUp)).output).toMatch(says)
  expect(await state()).toEqual(before)
})

test('what is changed, added and taken out in an editor is one release', async () => {
  const before = await rig.json<{ release: { version: number } }>('apps:info', '-a', 'blog')
  const setUp = `export VISUAL="sed -i -e '$ a C=new' -e 's/^A=.*/A=4/' -e '/^B=/d'" EDITOR=false`
  const { output } = await rig.inTerminal(['config:edit', '-a', 'blog'], [], setUp)
  expect(output).toContain('exit code 0')
  const [after, config] = (await state()) as [typeof before, unknown]
  expect(config).toEqual({ A: '4', C: 'new' })
  expect(after.release.version).toBe(before.release.version + 1)
})

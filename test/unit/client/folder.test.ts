import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, expect, test } from 'vitest'
import { type Source, spoolSource } from '../../../src/build/source.ts'
import { outlineOf } from '../../../src/client/folder.ts'

const scratch = await mkdtemp(join(tmpdir(), 'paas-outline-'))
afterAll(() => rm(scratch, { recursive: true }))

async function folderWith(name: string, files: Record<string, string>): Promise<string> {
  const folder = join(scratch, name)
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return folder
}

/** What a server makes of it. */
const read = (folder: string): Promise<Source> =>
  spoolSource(Readable.from(outlineOf(folder), { objectMode: false }), join(scratch, 'source.tar'))

const long = `${'d'.repeat(90)}/${'n'.repeat(90)}.txt`
const files = {
  'package.json': '{"name":"shop"}',
  'packages/a/package.json': '{}',
  'docker/Dockerfile.web': 'FROM scratch',
  'src/große Datei.js': 'x'.repeat(100_000),
  [long]: 'deep',
  'node_modules/x/index.js': '',
}

test('a folder is told by its names, and by the texts that decide', async () => {
  const folder = await folderWith('plain', files)
  await symlink('package.json', join(folder, 'link'))
  const source = await read(folder)
  const shown = Object.keys(files).filter((path) => !path.startsWith('node_modules/'))
  expect(source.entries.map(({ path }) => path).toSorted()).toEqual([...shown, 'link'].toSorted())
  expect(source.entries.find(({ path }) => path === 'link')).toMatchObject({
    type: 'symlink',
    linkname: 'package.json',
  })
  expect(source.text('package.json')).toBe('{"name":"shop"}')
  expect(source.text('packages/a/package.json')).toBe('{}')
  expect(source.text('docker/Dockerfile.web')).toBe('FROM scratch')
  // The rest is not sent.
  expect(source.entries.find(({ path }) => path.startsWith('src/'))?.size).toBe(0)
})

test('in a clone it is what git would commit, new files and all', async () => {
  const folder = await folderWith('clone', {
    ...files,
    '.gitignore': 'node_modules\n*.log\n',
    'a.log': '',
    new: '',
  })
  execFileSync('git', ['-C', folder, 'init', '--quiet'])
  execFileSync('git', ['-C', folder, 'add', 'package.json'])
  const paths = (await read(folder)).entries.map(({ path }) => path)
  expect(paths).toEqual(expect.arrayContaining(['package.json', 'new', '.gitignore']))
  expect(paths.filter((path) => /^\.git\/|node_modules|\.log$/.test(path))).toEqual([])
})

test('a folder that is not there is said', async () => {
  await expect(Array.fromAsync(outlineOf(join(scratch, 'nothing')))).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  })
})

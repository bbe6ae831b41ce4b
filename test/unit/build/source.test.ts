import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { sourceLimits, spoolSource } from '../../../src/build/source.ts'
import { type Entry, sourceOf, tarOf } from './source-of.ts'

const refusal = async (entries: Entry[] | Record<string, string>, limits = sourceLimits): Promise<string> => {
  const error: unknown = await sourceOf(entries, limits).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'SOURCE_REFUSED' })
  return (error as Error).message
}

describe('a source that is taken', () => {
  test('is indexed, and texts at its root are at hand', async () => {
    await using spooled = await sourceOf([
      { name: 'Procfile', content: 'web: node .\n' },
      { name: 'bin/', type: 'directory', mode: 0o755 },
      { name: 'bin/run', content: '#!/bin/sh\n', mode: 0o755 },
      { name: 'current', type: 'symlink', linkname: 'bin/run' },
      { name: 'packages/a/package.json', content: '{}' },
    ])
    const { source } = spooled
    expect(source.entries.map(({ path, type, size, mode }) => [path, type, size, mode])).toEqual([
      ['Procfile', 'file', 12, 0o644],
      ['bin', 'directory', 0, 0o755],
      ['bin/run', 'file', 10, 0o755],
      ['current', 'symlink', 0, 0o644],
      ['packages/a/package.json', 'file', 2, 0o644],
    ])
    expect(source.text('Procfile')).toBe('web: node .\n')
    expect(source.text('packages/a/package.json')).toBe('{}')
    expect(source.text('bin/run')).toBeUndefined()
    expect(source.warnings).toEqual([])
  })

  test('has its contents at the offsets of the index', async () => {
    const long = `${'d'.repeat(90)}/${'n'.repeat(120)}.txt`
    const files = { a: 'x'.repeat(700), [long]: 'deep', empty: '', z: 'last' }
    await using spooled = await sourceOf(files)
    const tar = await readFile(spooled.source.file)
    const found = spooled.source.entries.map(({ path, offset, size }) => [
      path,
      tar.subarray(offset, offset + size).toString(),
    ])
    expect(Object.fromEntries(found)).toEqual(files)
  })

  test('says that submodules and LFS pointers have no content, and which names are not kept', async () => {
    await using spooled = await sourceOf({
      '.gitmodules': '[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../lib\n',
      'data.bin': 'version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n',
      'caf\u{fffd}.txt': 'of a name in Latin-1',
    })
    expect(spooled.source.warnings).toEqual([
      'Git submodules are not fetched, so these folders are empty: vendor/lib',
      'Git LFS is not supported, so this file is only a pointer: data.bin',
      'Names of files that are not UTF-8 are changed: caf\u{fffd}.txt',
    ])
  })

  test('is not read into memory where a file is large', async () => {
    await using spooled = await sourceOf(
      { 'app.json': 'x'.repeat(2000) },
      { ...sourceLimits, textBytes: 1000 },
    )
    expect(spooled.source.text('app.json')).toBeUndefined()
  })
})

describe('a source that is refused', () => {
  test.each<[string, Entry[], RegExp]>([
    ['absolute path', [{ name: '/etc/passwd', content: 'x' }], /"\/etc\/passwd" leaves/],
    ['parent path', [{ name: '../x', content: 'x' }], /"\.\.\/x" leaves/],
    ['path through parents', [{ name: 'a/../../x', content: 'x' }], /leaves the source tree/],
    [
      'absolute link',
      [{ name: 'p', type: 'symlink', linkname: '/etc/passwd' }],
      /"p" points to "\/etc\/passwd"/,
    ],
    ['leaving link', [{ name: 'a/p', type: 'symlink', linkname: '../../x' }], /outside the source tree/],
    ['hard link', [{ name: 'h', type: 'link', linkname: '/etc/shadow' }], /is a link/],
    ['device', [{ name: 'dev', type: 'character-device' }], /is a character-device/],
    ['pipe', [{ name: 'p', type: 'fifo' }], /is a fifo/],
  ])('%s', async (_, entries, message) => {
    expect(await refusal(entries)).toMatch(message)
  })

  test('too many files, too many bytes, none at all', async () => {
    expect(await refusal({ a: '', b: '', c: '' }, { ...sourceLimits, entries: 2 })).toMatch(
      /more than 2 files/,
    )
    const big = await refusal({ a: 'x'.repeat(3 * 1024 ** 2) }, { ...sourceLimits, bytes: 2 * 1024 ** 2 })
    expect(big).toBe('The source is larger than 2 MiB.')
    expect(await refusal({})).toBe('The commit has no files.')
    expect(await refusal([{ name: 'empty/', type: 'directory' }])).toBe('The commit has no files.')
  })

  test('a tar that is cut off or none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'paas-source-'))
    const file = join(folder, 'source.tar')
    const whole = await buffer(tarOf({ a: 'x'.repeat(5000) }))
    const cut = spoolSource(
      (async function* () {
        yield whole.subarray(0, 2000)
      })(),
      file,
    )
    await expect(cut).rejects.toMatchObject({ code: 'SOURCE_REFUSED' })
    const junk = spoolSource(
      (async function* () {
        yield Buffer.alloc(1024, 'j')
      })(),
      file,
    )
    await expect(junk).rejects.toMatchObject({ code: 'SOURCE_REFUSED' })
    expect(existsSync(file)).toBe(false)
    await rm(folder, { recursive: true })
  })
})

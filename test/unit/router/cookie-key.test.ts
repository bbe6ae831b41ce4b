import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cookieKeyBeside } from '../../../src/router/cookie-key.ts'

test('the key survives restarts; what a full disk has left of one is none', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'paas-key-'))
  const snapshot = join(directory, 'routes.json')
  const path = join(directory, 'cookie.key')
  const key = cookieKeyBeside(snapshot)
  expect(key).toMatch(/^[0-9a-f]{64}$/)
  expect(cookieKeyBeside(snapshot)).toBe(key)
  for (const left of ['', key.slice(1)]) {
    await writeFile(path, left)
    const fresh = cookieKeyBeside(snapshot)
    expect(fresh).toMatch(/^[0-9a-f]{64}$/)
    expect(fresh).not.toBe(key)
    expect(await readFile(path, 'utf8')).toBe(fresh)
  }
  expect(await readdir(directory)).toEqual(['cookie.key'])
  expect(cookieKeyBeside(join(directory, 'none/routes.json'))).toMatch(/^[0-9a-f]{64}$/)
  await rm(directory, { recursive: true })
})

import {
  chownSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prepareAccessLog, prepareSnapshot, workerIdentity } from '../../../src/router/privileges.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'paas-privileges-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const identityOf = (user?: string, group?: string) => workerIdentity({ user, group })

test('a user brings along its own group, unless another one is named', () => {
  expect(identityOf('nobody')).toEqual({ uid: 65_534, gid: 65_534 })
  expect(identityOf('65534')).toEqual({ uid: 65_534, gid: 65_534 })
  expect(identityOf('nobody', 'daemon')).toEqual({ uid: 65_534, gid: 1 })
  expect(identityOf(undefined, 'daemon')).toEqual({ uid: undefined, gid: 1 })
  expect(identityOf('4711')).toEqual({ uid: 4711, gid: 4711 })
  expect(identityOf()).toBeUndefined()
  expect(() => identityOf('')).toThrow(/"" is not in/)
  expect(() => identityOf('no-such-user')).toThrow(/"no-such-user" is not in \/etc\/passwd/)
  expect(() => identityOf('nobody', 'no-such-group')).toThrow(/"no-such-group" is not in \/etc\/group/)
})

test('the access log is given to the workers, and nothing that somebody has linked in its place', () => {
  const own = join(directory, 'access.log')
  const identity = identityOf('nobody')
  prepareAccessLog(own, identity)
  expect(statSync(own).uid).toBe(65_534)
  const secret = join(directory, 'secret')
  writeFileSync(secret, 'x')
  const link = join(directory, 'symbolic.log')
  symlinkSync(secret, link)
  expect(() => prepareAccessLog(link, identity)).toThrow(/leads to a file that the workers cannot write/)
  chownSync(secret, 65_534, 65_534)
  prepareAccessLog(link, identity)
  chownSync(secret, 0, 0)
  lchownSync(link, 65_534, 65_534)
  expect(() => prepareAccessLog(link, identity)).toThrow(/is a link that is not root's: remove it/)
  linkSync(secret, join(directory, 'hard.log'))
  expect(() => prepareAccessLog(join(directory, 'hard.log'), identity)).toThrow(/has other names/)
  expect(statSync(secret)).toMatchObject({ uid: 0, size: 1 })
  prepareAccessLog('/dev/null', identity)
  expect(statSync('/dev/null').uid).toBe(0)
})

test('what killed writers of the snapshot have left goes, and nothing else', () => {
  const folder = join(directory, 'snapshots')
  const old = new Date(Date.now() - 3_600_000)
  const names = [
    'routes.json',
    'routes.json.0123456789ab.tmp',
    'routes.json.own.tmp',
    'other.0123456789ab.tmp',
  ]
  mkdirSync(folder)
  for (const name of [...names, 'routes.json.ba9876543210.tmp']) {
    writeFileSync(join(folder, name), '')
    // The last one is being written.
    if (names.includes(name)) utimesSync(join(folder, name), old, old)
  }
  prepareSnapshot(join(folder, 'routes.json'), undefined)
  expect(readdirSync(folder).sort()).toEqual(
    [
      ...names.filter((name) => name !== 'routes.json.0123456789ab.tmp'),
      'routes.json.ba9876543210.tmp',
    ].sort(),
  )
})

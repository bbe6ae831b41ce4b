import { describe, expect, test } from 'vitest'
import { type Findings, judge } from '../../../src/services/examine.ts'
import { postgres } from '../../../src/services/postgres/postgres.ts'
import { pullFailure } from '../../../src/services/pull.ts'
import { redis } from '../../../src/services/redis/redis.ts'
import { versionIn } from '../../../src/services/version.ts'

describe('a pull that fails', () => {
  test.each([
    ['manifest for 127.0.0.1:5000/postgres:99 not found: manifest unknown: manifest unknown', 'NOT_FOUND'],
    ['pull access denied for nothing, repository does not exist or may require authorization', 'NOT_FOUND'],
    ['failed to resolve reference "127.0.0.1:5000/x:1": 127.0.0.1:5000/x:1: not found', 'NOT_FOUND'],
    ['no matching manifest for linux/amd64 in the manifest list entries', 'INVALID_INPUT'],
    ['no match for platform in manifest: not found', 'INVALID_INPUT'],
    [
      'Get "http://127.0.0.1:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused',
      'DOCKER_FAILED',
    ],
    ['toomanyrequests: You have reached your pull rate limit', 'DOCKER_FAILED'],
  ])('%s', (reason, code) => {
    const failure = pullFailure('example/x:1', new Error(`Docker could not pull example/x:1: ${reason}`))
    expect(failure.code).toBe(code)
    expect(failure.message).toContain('example/x:1')
    if (code === 'DOCKER_FAILED') expect(failure.message).toContain(`pulled: ${reason}`)
  })
})

describe('an image of somebody else', () => {
  const findings = (...lines: string[]): Findings => ({ code: 0, lines, architecture: 'arm64' })

  test.each([
    ['postgres', postgres, 'postgres (PostgreSQL) 18.6 (Debian 18.6-3)', 'postgres'],
    ['a beta', postgres, 'postgres (PostgreSQL) 19beta1', 'postgres'],
    ['redis', redis, 'Redis server v=8.0.2 sha=00000000:0 malloc=jemalloc-5.3.0', 'redis'],
    ['valkey', redis, 'Valkey server v=9.1.2 sha=00000000:0 malloc=jemalloc-5.3.0', 'valkey'],
  ])('that is right: %s', (_, datastore, version, user) => {
    expect(judge(datastore, 'x:1', findings(`user ${user}`, `version ${version}`))).toBe(user)
  })

  test.each([
    [
      findings('user postgres', 'version postgres (PostgreSQL) 9.6.24'),
      'PostgreSQL 9.6.24; paas needs 14 or',
    ],
    [findings('lacks user postgres', 'lacks psql', 'version '), 'it has no user postgres, no psql.'],
    [findings('user postgres', 'version '), 'does not tell its version'],
    [{ ...findings('[FATAL tini (7)] exec /bin/bash failed: Exec format error'), code: 1 }, 'made for arm64'],
    [
      { ...findings('exec /bin/bash failed: No such file or directory'), code: 127 },
      'there is no bash in it',
    ],
    [{ ...findings('Killed'), code: 137 }, 'does not tell what is in it: Killed'],
  ])('that is not: %j', (found, message) => {
    expect(() => judge(postgres, 'x:1', found)).toThrow(message)
  })
})

test.each([
  ['memcached 1.6.45', '1.6.45'],
  ['mariadbd  Ver 11.8.9-MariaDB-deb13 for debian-linux-gnu on x86_64', '11.8.9'],
  ['4.3.6\n', '4.3.6'],
  ['19beta1\n', '19beta1'],
])('the version in %s', (text, version) => {
  expect(versionIn(text)).toBe(version)
})

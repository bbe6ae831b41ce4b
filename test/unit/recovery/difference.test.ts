import { describe, expect, test } from 'vitest'
import { differences } from '../../../src/recovery/difference.ts'
import { type StateRecord } from '../../../src/store/dump.ts'

const createdAt = '2026-11-20T12:00:00.000Z'
const text = (key: string, value: unknown): StateRecord => ({
  key,
  type: 'string',
  value: JSON.stringify(value),
})

function app(id: string, name: string, release: number, config: Record<string, string>): StateRecord[] {
  const image = { id: 'sha256:0', tag: 'paas/a:b', builder: 'node', processes: {}, checks: {}, port: 5000 }
  const stored = {
    version: release,
    createdAt,
    createdBy: 'root',
    description: 'Deploy',
    commit: 'abcdef1234',
  }
  return [
    text(`paas:app:${id}`, {
      ...{ id, name, createdAt, formation: { web: 2 }, domains: [`${name}.example`] },
      ...{ currentRelease: release, lastRelease: release },
    }),
    {
      key: `paas:app:${id}:releases`,
      type: 'hash',
      value: { [release]: JSON.stringify({ ...stored, image, config, status: 'active' }) },
    },
  ]
}
const key = (name: string, role: string): StateRecord => ({
  key: 'paas:keys',
  type: 'hash',
  value: {
    [`k00000000000000${name.length}`]: JSON.stringify({
      ...{
        id: `k00000000000000${name.length}`,
        name,
        fingerprint: 'SHA256:a',
        publicKey: 'ssh-ed25519 AAAA',
      },
      ...{ role, createdAt },
    }),
  },
})
const blog = 'a00000000000000'

describe('differences', () => {
  test('of a state and itself are none', () => {
    const state = [...app(`${blog}1`, 'blog', 3, { A: 'sealed' }), key('alice', 'admin')]
    expect(differences(state, state)).toEqual([])
    expect(differences([], [])).toEqual([])
  })

  test('name what comes, goes and changes, and never a value', () => {
    const here = [
      ...app(`${blog}1`, 'blog', 3, { A: 'canary-1' }),
      ...app(`${blog}2`, 'shop', 1, {}),
      ...app(`${blog}3`, 'same-name', 1, {}),
      key('alice', 'admin'),
    ]
    const then = [
      ...app(`${blog}1`, 'blog', 5, { A: 'canary-1', B: 'canary-2' }),
      ...app(`${blog}4`, 'same-name', 1, {}),
      key('alice', 'read'),
      { key: 'frontend:by.hand', type: 'list', value: ['me', 'http://10.0.0.1'] } as StateRecord,
      { key: 'frontend:blog.x', type: 'list', value: ['blog', 'http://10.0.0.2'] } as StateRecord,
    ]
    const found = differences(here, then)
    expect(found).toEqual([
      { of: 'app', name: 'blog', change: 'changes', details: ['v3 → v5', 'config: A → A B'] },
      { of: 'app', name: 'same-name', change: 'changes', details: ['is another one of that name'] },
      {
        of: 'app',
        name: 'shop',
        change: 'goes',
        details: ['v1', 'commit: abcdef1', 'domains: shop.example', 'processes: web=2'],
      },
      { of: 'key', name: 'alice', change: 'changes', details: ['admin → read'] },
      { of: 'route', name: 'by.hand', change: 'comes', details: ['http://10.0.0.1'] },
    ])
    expect(JSON.stringify(found)).not.toContain('canary')
  })
})

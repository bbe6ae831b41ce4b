import { expect, test } from 'vitest'
import { diffReleases } from '../../../src/deploy/diff.ts'
import { Release } from '../../../src/model/release.ts'

const release = (facts: { settings?: object; checks?: object } = {}): Release =>
  Release.parse({
    version: 1,
    createdAt: '2026-11-20T12:00:00.000Z',
    createdBy: 'root',
    description: 'Deploy 1a2b3c4d',
    image: {
      id: 'sha256:0',
      tag: 'paas/a:b',
      builder: 'node',
      processes: { web: {} },
      checks: facts.checks ?? {},
      port: 5000,
    },
    config: {},
    ...(facts.settings && { settings: facts.settings }),
    status: 'active',
  })

const check = { path: '/health' }
const set = (limits: object, checks: object = {}) => ({ settings: { limits, checks } })

test.each([
  ['limits', set({}), set({ web: { pids: 100 } }), { limits: [{ name: 'web', change: 'added' }] }],
  [
    'other limits',
    set({ web: { pids: 100 } }),
    set({ web: { pids: 200 } }),
    { limits: [{ name: 'web', change: 'changed' }] },
  ],
  ['checks', set({}), set({}, { web: [check] }), { checks: [{ name: 'web', change: 'added' }] }],
  [
    'checks in place of those of app.json',
    { ...set({}), checks: { web: [check] } },
    { ...set({}, { web: [] }), checks: { web: [check] } },
    { checks: [{ name: 'web', change: 'changed' }] },
  ],
  [
    'the same',
    set({ web: { pids: 100 } }, { web: [check] }),
    set({ web: { pids: 100 } }, { web: [check] }),
    {},
  ],
  ['nothing that is known of a release of old', {}, set({ web: { pids: 100 } }), {}],
])('releases differ in %s', (_what, from, to, wanted) => {
  const { limits, checks } = diffReleases(release(from), release(to))
  expect({ limits, checks }).toEqual({ limits: [], checks: [], ...wanted })
})

test('the first release has all of it', () => {
  const { limits, processes } = diffReleases(undefined, release(set({ web: { pids: 100 } })))
  expect(limits).toEqual([{ name: 'web', change: 'added' }])
  expect(processes).toHaveLength(1)
})

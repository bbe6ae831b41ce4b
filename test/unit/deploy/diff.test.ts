import { expect, test } from 'vitest'
import { diffReleases } from '../../../src/deploy/diff.ts'
import { type Release } from '../../../src/model/release.ts'
import { aRelease } from '../../support/release.ts'

const release = ({ settings, checks = {} }: { settings?: object; checks?: object } = {}): Release =>
  aRelease({ ...(settings && { settings }), image: { checks } })

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

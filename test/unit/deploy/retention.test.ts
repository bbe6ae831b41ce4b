import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tagsToKeep } from '../../../src/deploy/retention.ts'
import { type Release } from '../../../src/model/release.ts'

type Status = Release['status']
const release = (version: number, status: Status, tag = `t${version}`): Release => ({
  version,
  createdAt: '2026-11-20T12:00:00Z',
  createdBy: 'root',
  description: '',
  image: { id: `sha256:${tag}`, tag, builder: 'node', processes: {}, checks: {}, port: 5000 },
  config: {},
  status,
})

test('keeps so many that were live; failed ones keep nothing', () => {
  const releases = [
    release(1, 'superseded'),
    release(2, 'superseded'),
    release(3, 'failed'),
    release(4, 'superseded'),
    release(5, 'active'),
  ]
  expect([...tagsToKeep(releases, 3)].sort()).toEqual(['t2', 't4', 't5'])
  expect([...tagsToKeep(releases, 1)].sort()).toEqual(['t4', 't5'])
})

test('never gives up the live one, the last good one and those being made', () => {
  const statuses = fc.constantFrom<Status>('pending', 'failed', 'superseded')
  fc.assert(
    fc.property(fc.array(statuses, { minLength: 1, maxLength: 30 }), fc.nat({ max: 40 }), (list, keep) => {
      const active = 1 + Math.floor(list.length / 2)
      const releases = list.map((status, i) => release(i + 1, i + 1 === active ? 'active' : status))
      const kept = tagsToKeep(releases, keep)
      expect(kept.has(`t${active}`)).toBe(true)
      const last = releases.findLast(({ status }) => status === 'superseded')
      if (last !== undefined) expect(kept.has(last.image.tag)).toBe(true)
      for (const { status, image } of releases)
        if (status === 'pending') expect(kept.has(image.tag)).toBe(true)
    }),
  )
})

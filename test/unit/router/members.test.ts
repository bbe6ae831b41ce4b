import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMembers, type Member } from '../../../src/router/forward/members.ts'

test('members come and go as in a Set', () => {
  const step = fc.record({ who: fc.nat(9), leaves: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const people = Array.from({ length: 10 }, (): Member => ({ place: 0 }))
      const members = createMembers<Member>()
      const expected = new Set<Member>()
      const indexes = (some: Iterable<Member>): number[] =>
        Array.from(some, (one) => people.indexOf(one)).toSorted((a, b) => a - b)
      for (const { who, leaves } of steps) {
        const one = people[who]!
        if (leaves) {
          members.delete(one)
          expected.delete(one)
        } else if (!expected.has(one)) {
          members.add(one)
          expected.add(one)
        }
        expect(members.size()).toBe(expected.size)
        expect(indexes(members)).toEqual(indexes(expected))
      }
    }),
  )
})

test('whoever leaves while all are gone through hides nobody', () => {
  const people = Array.from({ length: 5 }, (): Member => ({ place: 0 }))
  const members = createMembers<Member>()
  for (const one of people) members.add(one)
  const seen: Member[] = []
  for (const one of members) {
    seen.push(one)
    members.delete(one)
  }
  expect(seen).toEqual(people)
  expect(members.size()).toBe(0)
})

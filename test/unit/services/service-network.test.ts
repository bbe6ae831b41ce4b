import fc from 'fast-check'
import { expect, test } from 'vitest'
import { freeServiceSubnet, serviceInterface, serviceInterfaces } from '../../../src/lib/service-network.ts'

test('an interface has at most 15 characters and is matched by the pattern of its instance', () => {
  const name = serviceInterface('paas', 'sk3f9x2k3f9x2k3f')
  expect(name).toHaveLength(15)
  expect(name.startsWith(serviceInterfaces('paas').slice(0, -1))).toBe(true)
  expect(name.startsWith(serviceInterfaces('other').slice(0, -1))).toBe(false)
})

test('no network is given out twice, nor one that overlaps what others use', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.array(fc.nat(511), { maxLength: 60 }), (offset, others) => {
      const used = others.map(
        (n) => `10.${201 + Math.floor(n / 512)}.${Math.floor(n / 2)}.${(n % 2) * 128}/25`,
      )
      const free = freeServiceSubnet(used, offset)
      expect(free).toBeDefined()
      expect(used).not.toContain(free)
    }),
  )
})

test('a network of another size that covers ours is stepped over', () => {
  expect(freeServiceSubnet([], 0)).toBe('10.201.0.0/25')
  expect(freeServiceSubnet(['10.201.0.0/24'], 0)).toBe('10.201.1.0/25')
  expect(freeServiceSubnet(['10.201.0.64/26', 'fd00::/64'], 0)).toBe('10.201.0.128/25')
  expect(freeServiceSubnet(['10.0.0.0/8'], 0)).toBeUndefined()
})

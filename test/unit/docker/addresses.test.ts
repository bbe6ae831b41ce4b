import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rotateAddresses } from '../../../src/docker/addresses.ts'
import { parseSubnet } from '../../../src/lib/subnet.ts'

const subnet = parseSubnet('10.1.2.0/28')!
/** All but the network, the gateway and the broadcast. */
const all = Array.from({ length: 13 }, (_, i) => `10.1.2.${i + 2}`)

test('every address comes once in a round', async () => {
  const next = rotateAddresses(subnet, async () => [])
  const round = await Promise.all(all.map(() => next()))
  expect(new Set(round)).toEqual(new Set(all))
  expect(await next()).toBe(round[0])
})

test('what is in use is left out, and asked for once a round', async () => {
  await fc.assert(
    fc.asyncProperty(fc.subarray(all, { maxLength: 12 }), async (inUse) => {
      let asked = 0
      const next = rotateAddresses(subnet, async () => {
        asked++
        return inUse
      })
      const free = all.filter((address) => !inUse.includes(address))
      const round = await Promise.all(free.map(() => next()))
      expect(new Set(round)).toEqual(new Set(free))
      expect(asked).toBe(1)
    }),
  )
})

test('there may be none left, and some again', async () => {
  let inUse = all
  const next = rotateAddresses(subnet, async () => inUse)
  expect(await next()).toBeUndefined()
  inUse = all.slice(1)
  expect(await next()).toBe(all[0])
})

test('a failure to ask is told to who waits, and the next one asks again', async () => {
  let away = true
  const next = rotateAddresses(subnet, async () => {
    if (away) throw new Error('away')
    return []
  })
  await expect(next()).rejects.toThrow('away')
  away = false
  expect(all).toContain(await next())
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatSubnet, overlaps, parseSubnet } from '../../../src/lib/subnet.ts'
import { firstFreeSubnet, subnetsOfRouteTable } from '../../../src/setup/subnet.ts'

const subnet = (text: string) => parseSubnet(text)!
const anySubnet = fc.record({ address: fc.nat({ max: 0xffffffff }), bits: fc.integer({ min: 1, max: 32 }) })

describe('parseSubnet', () => {
  test('reads and prints, with the host part dropped', () => {
    expect(formatSubnet(subnet('172.30.1.2/20'))).toBe('172.30.0.0/20')
    expect(formatSubnet(subnet('255.255.255.255/32'))).toBe('255.255.255.255/32')
  })
  test.each(['', 'fd00::/64', '172.30.0.0', '172.30.0.0/33', 'x172.30.0.0/20'])('refuses %j', (text) => {
    expect(parseSubnet(text)).toBeUndefined()
  })
})

describe('overlaps', () => {
  test('a part overlaps its whole, both ways, and neighbours do not', () => {
    expect(overlaps(subnet('172.30.0.0/16'), subnet('172.30.16.0/20'))).toBe(true)
    expect(overlaps(subnet('172.30.16.0/20'), subnet('172.30.0.0/16'))).toBe(true)
    expect(overlaps(subnet('172.30.0.0/20'), subnet('172.30.16.0/20'))).toBe(false)
  })
})

describe('firstFreeSubnet', () => {
  test('takes 172.30.0.0/20 on an empty machine', () => {
    expect(firstFreeSubnet([], 0)).toBe('172.30.0.0/20')
  })
  test('goes on past networks in use, and does not mind the default route', () => {
    const used = [subnet('0.0.0.0/0'), subnet('172.30.0.0/16'), subnet('172.17.0.0/16')]
    expect(firstFreeSubnet(used, 0)).toBe('172.31.0.0/20')
  })
  test('never overlaps a network in use', () => {
    fc.assert(
      fc.property(fc.array(anySubnet, { maxLength: 20 }), fc.nat(), (parts, offset) => {
        const used = parts.map((part) => subnet(formatSubnet(part)))
        let chosen: string
        try {
          chosen = firstFreeSubnet(used, offset)
        } catch {
          return
        }
        expect(used.some((network) => overlaps(network, subnet(chosen)))).toBe(false)
      }),
    )
  })
  test('says so when nothing is free', () => {
    expect(() => firstFreeSubnet([subnet('172.16.0.0/12')], 5)).toThrow('no free network')
  })
})

test('reads the kernel’s route table', () => {
  const table = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
`
  expect(subnetsOfRouteTable(table).map(formatSubnet)).toEqual(['0.0.0.0/0', '172.17.0.0/16'])
})

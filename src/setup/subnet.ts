import { PaasError } from '../errors/paas-error.ts'
import { formatSubnet, overlaps, parseIp, type Subnet } from '../lib/subnet.ts'

/** A Linux bridge has 1,024 ports; a /20 leaves room for addresses that are still being given back. */
const candidateBits = 20
/** 172.28.0.0 to 172.31.255.255: the end of the private block that Docker's own default pool leaves alone longest. */
const candidateStart = parseIp('172.28.0.0')
const candidateCount = 64
/** The machine's own instance takes 172.30.0.0/20 where it is free. */
const firstChoice = 32

/**
 * The first candidate network that overlaps none in use. `offset` spreads private instances over the
 * candidates, so that two which are set up at the same moment hardly ever choose the same.
 */
export function firstFreeSubnet(used: Subnet[], offset: number): string {
  for (let i = 0; i < candidateCount; i++) {
    const index = (firstChoice + offset + i) % candidateCount
    const candidate = {
      address: (candidateStart + index * 2 ** (32 - candidateBits)) >>> 0,
      bits: candidateBits,
    }
    // The default route covers everything and says nothing about what is in use.
    if (!used.some((subnet) => subnet.bits > 0 && overlaps(subnet, candidate))) return formatSubnet(candidate)
  }
  throw new PaasError('INVALID_INPUT', 'no free network between 172.28.0.0 and 172.31.255.255 for the apps', {
    hint: 'List the networks with `ip route` and `docker network ls`, and remove one that is not needed.',
  })
}

/** Networks of `/proc/net/route`: hexadecimal, bytes in host (little-endian) order, a header line first. */
export function subnetsOfRouteTable(table: string): Subnet[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.split(/\s+/)
      if (fields.length < 8) return []
      return [{ address: littleEndian(fields[1]!), bits: bitCount(littleEndian(fields[7]!)) }]
    })
}

function littleEndian(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE(0)
}

function bitCount(mask: number): number {
  return mask.toString(2).replaceAll('0', '').length
}

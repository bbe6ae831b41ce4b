import { PaasError } from '../errors/paas-error.ts'

/** An IPv4 network: first address and number of leading bits. */
export type Subnet = { address: number; bits: number }

/** A Linux bridge has 1,024 ports; a /20 leaves room for addresses that are still being given back. */
const candidateBits = 20
/** 172.28.0.0 to 172.31.255.255: the end of the private block that Docker's own default pool leaves alone longest. */
const candidateStart = parseIp('172.28.0.0')
const candidateCount = 64
/** The machine's own instance takes 172.30.0.0/20 where it is free. */
const firstChoice = 32

/** `172.30.0.0/20` → Subnet; undefined for anything else, IPv6 included. */
export function parseSubnet(text: string): Subnet | undefined {
  const match = /^(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\/(\d{1,2})$/.exec(text)
  if (!match || Number(match[2]) > 32) return undefined
  const bits = Number(match[2])
  return { address: network(parseIp(match[1]!), bits), bits }
}

export function formatSubnet({ address, bits }: Subnet): string {
  return `${[24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')}/${bits}`
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  const bits = Math.min(a.bits, b.bits)
  return network(a.address, bits) === network(b.address, bits)
}

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

function parseIp(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

function network(address: number, bits: number): number {
  return bits === 0 ? 0 : (address & (0xffffffff << (32 - bits))) >>> 0
}

function littleEndian(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE(0)
}

function bitCount(mask: number): number {
  return mask.toString(2).replaceAll('0', '').length
}

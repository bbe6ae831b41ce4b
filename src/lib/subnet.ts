/** An IPv4 network: first address and number of leading bits. */
export type Subnet = { address: number; bits: number }

/** `172.30.0.0/20` → Subnet; undefined for anything else, IPv6 included. */
export function parseSubnet(text: string): Subnet | undefined {
  const match = /^(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\/(\d{1,2})$/.exec(text)
  if (!match || Number(match[2]) > 32) return undefined
  const bits = Number(match[2])
  return { address: firstOf(parseIp(match[1]!), bits), bits }
}

export const formatSubnet = ({ address, bits }: Subnet): string => `${formatIp(address)}/${bits}`

export function overlaps(a: Subnet, b: Subnet): boolean {
  const bits = Math.min(a.bits, b.bits)
  return firstOf(a.address, bits) === firstOf(b.address, bits)
}

export function parseIp(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

export const formatIp = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')

function firstOf(address: number, bits: number): number {
  return bits === 0 ? 0 : (address & (0xffffffff << (32 - bits))) >>> 0
}

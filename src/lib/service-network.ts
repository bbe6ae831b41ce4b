import { createHash } from 'node:crypto'

/** Linux takes 15 characters; four tell the instances of a machine apart. */
const prefix = (instanceName: string): string =>
  `ps${createHash('sha256').update(instanceName).digest('hex').slice(0, 4)}-`

/** The host's interface of a service's network. */
export const serviceInterface = (instanceName: string, id: string): string =>
  `${prefix(instanceName)}${id.slice(1, 9)}`

/** All of them, as iptables' `-i` takes it. */
export const serviceInterfaces = (instanceName: string): string => `${prefix(instanceName)}+`

/** Docker's own pools are used up by some thirty networks; ours are 512 of 126 addresses, for services alone. */
const firstAddress = 0x0a_c9_00_00
const networks = 512
const bits = 25

/** The first network of ours, from `offset` on, that overlaps none of these (CIDR form); undefined: all are taken. */
export function freeServiceSubnet(used: string[], offset: number): string | undefined {
  const ranges = used.flatMap((text) => range(text) ?? [])
  for (let i = 0; i < networks; i++) {
    const first = firstAddress + ((offset + i) % networks) * 2 ** (32 - bits)
    const last = first + 2 ** (32 - bits) - 1
    if (ranges.every((other) => other.last < first || last < other.first)) return `${dotted(first)}/${bits}`
  }
  return undefined
}

function range(cidr: string): { first: number; last: number } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr)
  if (match === null) return undefined
  const [a, b, c, d, length] = match.slice(1).map(Number) as [number, number, number, number, number]
  const size = 2 ** (32 - length)
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  const first = address - (address % size)
  return { first, last: first + size - 1 }
}

const dotted = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')

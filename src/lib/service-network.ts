import { createHash } from 'node:crypto'
import { formatSubnet, overlaps, parseSubnet } from './subnet.ts'

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
  const taken = used.flatMap((text) => parseSubnet(text) ?? [])
  for (let i = 0; i < networks; i++) {
    const network = { address: firstAddress + ((offset + i) % networks) * 2 ** (32 - bits), bits }
    if (!taken.some((other) => overlaps(network, other))) return formatSubnet(network)
  }
  return undefined
}

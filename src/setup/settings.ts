import { createHash } from 'node:crypto'
import { type Instance } from '../model/instance.ts'
import { defaultDockerSocket } from './docker-daemon.ts'
import { type SetupOptions } from './options.ts'
import { type Subnet } from '../lib/subnet.ts'
import { firstFreeSubnet } from './subnet.ts'

/** What the machine is like, as far as settings depend on it. */
export type Machine = {
  /** IPv6 is there, so one socket on `::` serves both families. */
  ipv6: boolean
  /** Networks that the machine or its Docker already use. */
  usedSubnets: Subnet[]
}

/**
 * The settings of the instance: what was asked for, else what it has, else the default. Pure.
 * A private instance (`root` is not '/') derives its names from its user, so that several fit on one machine.
 */
export function decideSettings(
  options: SetupOptions,
  existing: Instance | undefined,
  machine: Machine,
): Instance {
  const user = options.user ?? existing?.user ?? 'paas'
  const name = existing?.name ?? (options.root === '/' ? 'paas' : user)
  return {
    ...existing,
    name,
    user,
    domain: options.domain ?? existing?.domain ?? 'localhost',
    http: {
      address: existing?.http.address ?? (machine.ipv6 ? '::' : '0.0.0.0'),
      port: options.httpPort ?? existing?.http.port ?? 80,
    },
    sshPort: options.sshPort ?? existing?.sshPort ?? 22,
    network: existing?.network ?? {
      bridge: options.root === '/' ? 'paas0' : `paas${shortHash(name)}`,
      subnet: firstFreeSubnet(machine.usedSubnets, options.root === '/' ? 0 : hashNumber(name)),
    },
    dockerSocket: options.dockerSocket ?? existing?.dockerSocket ?? defaultDockerSocket,
  }
}

/** Eight hex digits, so that a bridge's name keeps within the kernel's 15 characters. */
function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

function hashNumber(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0)
}

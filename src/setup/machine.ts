import { access, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { openEngine } from '../docker/engine.ts'
import { dockerSubnets } from './docker-objects.ts'
import { type Machine } from './settings.ts'
import { subnetsOfRouteTable } from './subnet.ts'

/** Looks at the machine and at its Docker, where that answers already; changes nothing. */
export async function readMachine(dockerSocket: string): Promise<Machine> {
  const [routes, ipv6] = await Promise.all(
    ['/proc/net/route', '/proc/net/if_inet6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  )
  const docker = await dockerSubnets(openEngine(dockerSocket)).catch(() => [])
  return { ipv6: ipv6 !== '', usedSubnets: [...subnetsOfRouteTable(routes ?? ''), ...docker] }
}

export async function systemdRuns(): Promise<boolean> {
  return exists('/run/systemd/system')
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** Does something listen there? For a number: on loopback's port; for a path: on that unix socket. */
export async function answers(where: number | string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where)
    const done = (listening: boolean) => {
      socket.destroy()
      resolve(listening)
    }
    socket.setTimeout(2000, () => done(false))
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })
}

/** Does an SSH server answer on the port of this machine (RFC 4253, section 4.2: it speaks first)? */
export async function sshAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const done = (ssh: boolean) => {
      socket.destroy()
      resolve(ssh)
    }
    socket.setTimeout(3000, () => done(false))
    socket.once('data', (greeting) => done(greeting.toString('latin1').startsWith('SSH-2.0-')))
    socket.once('end', () => done(false))
    socket.once('error', () => done(false))
  })
}

/** Waits until `condition` holds; false if it does not within `timeoutMs`. */
export async function eventually(condition: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    if (await condition()) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

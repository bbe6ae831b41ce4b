import { once } from 'node:events'
import { connect } from 'node:net'
import { type Platform } from '../apps/platform.ts'
import { paasVersion } from '../lib/version.ts'
import { bytes, look, type Part } from './part.ts'
import { corruptState } from './state-backups.ts'

const start = (unit: string): string =>
  `Start it: systemctl start ${unit}, or paas serve where there is no systemd.`

export async function controller(): Promise<Part> {
  const minutes = Math.floor(process.uptime() / 60)
  return {
    name: 'controller',
    version: paasVersion,
    healthy: true,
    finding: `up for ${minutes} min, uses ${bytes(process.memoryUsage.rss())}, on Node ${process.versions.node}`,
  }
}

export const redis = ({ store, paths, ensureState }: Platform): Promise<Part> =>
  look('redis', start('paas-redis'), async () => {
    await ensureState()
    const health = await store.health().catch(async (error: unknown) => {
      const fix = await corruptState(paths)
      if (fix === undefined) throw error
      return fix
    })
    if (typeof health === 'string')
      return { healthy: false, finding: 'it does not start, as its data is damaged', fix: health }
    const { version, usedBytes, durable, problem } = health
    const fix = 'See its log; the disk may be full or read-only.'
    if (problem !== undefined) return { version, healthy: false, finding: problem, fix }
    if (!durable) {
      return {
        version,
        healthy: false,
        finding: 'it answers before a write is on disk',
        fix: 'Run bin/setup again: it writes the settings anew (appendonly yes, appendfsync always).',
      }
    }
    return { version, healthy: true, finding: `uses ${bytes(usedBytes)}, every write on disk` }
  })

export const docker = ({ engine }: Platform): Promise<Part> =>
  look('docker', 'Start it: systemctl start docker, or paas serve where there is no systemd.', async () => {
    const version = await engine.negotiate()
    const { ContainersRunning: running } = (await engine.docker.info()) as { ContainersRunning: number }
    return { version, healthy: true, finding: `${running} containers run` }
  })

export const router = ({ store, instance }: Platform): Promise<Part> =>
  look('router', start('paas-router'), async () => {
    const { address, port } = instance.http
    const workers = await store.routes.workers()
    if (workers.length === 0) {
      return { healthy: false, finding: 'no worker says that it runs', fix: start('paas-router') }
    }
    await greet(address, port, false)
    const version = Math.min(...workers.map((worker) => worker.version))
    const plural = workers.length === 1 ? '' : 's'
    return {
      healthy: true,
      finding: `${workers.length} worker${plural} on port ${port}, route table ${version}`,
    }
  })

export const sshd = ({ instance }: Platform): Promise<Part> =>
  look(
    'sshd',
    `Nothing that speaks SSH listens on port ${instance.sshPort}: systemctl start ssh, or paas serve where there is no systemd.`,
    async () => {
      const greeting = await greet('127.0.0.1', instance.sshPort, true)
      const version = /^SSH-2\.0-(\S+)/.exec(greeting)?.[1]
      if (version === undefined)
        throw new Error(`what listens on port ${instance.sshPort} does not speak SSH`)
      return { version, healthy: true, finding: `listens on port ${instance.sshPort}` }
    },
  )

/** Connects, and waits for what the other side says first where it is to say something. */
async function greet(address: string, port: number, speaksFirst: boolean): Promise<string> {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  const socket = connect({ host, port, timeout: 3000 })
  socket.once('timeout', () => socket.destroy(new Error(`port ${port} does not answer`)))
  try {
    await once(socket, 'connect')
    if (!speaksFirst) return ''
    const [greeting] = (await once(socket, 'data')) as [Buffer]
    return greeting.toString('latin1')
  } finally {
    socket.destroy()
  }
}

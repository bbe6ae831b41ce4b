import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Platform } from '../../../src/apps/platform.ts'
import { authorise } from '../../../src/api/authorise.ts'
import { runCommandLine } from '../../../src/commands/program.ts'
import { commands } from '../../../src/commands/registry.ts'
import { routeKeys } from '../../../src/store/routes.ts'
import { platformWithoutEngine } from '../../support/platform.ts'
import { startState, type State } from '../../support/redis.ts'
import { caller } from '../../unit/commands/context.ts'

type Found = { name: string; version: string | null; healthy: boolean; finding: string; fix: string | null }

let state: State
let platform: Platform
beforeAll(async () => {
  state = await startState()
  platform = platformWithoutEngine(state)
  await mkdir(state.paths.lib, { recursive: true })
})
afterAll(() => state[Symbol.asyncDispose]())

/** What `paas doctor --json` says, by part, and its exit code. */
async function doctor(
  changes: Partial<Platform['instance']> = {},
): Promise<{ code: number; parts: Map<string, Found> }> {
  const { context, said } = caller()
  const examined = { ...platform, instance: { ...platform.instance, ...changes } }
  const code = await runCommandLine(
    commands,
    ['doctor', '--json'],
    { ...context, platform: examined },
    authorise,
  )
  const { parts } = JSON.parse(said.stdout) as { parts: Found[] }
  return { code, parts: new Map(parts.map((part) => [part.name, part])) }
}

/** A server on a port of its own that says something to whoever connects. */
async function listen(greeting: string) {
  const server = createServer((socket) => socket.on('error', () => undefined).end(greeting))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() }
}

describe('doctor', () => {
  test('names every part, and what to do about each that is not well', async () => {
    const { code, parts } = await doctor({ sshPort: 1, http: { address: '127.0.0.1', port: 1 } })
    expect(code).toBe(1)
    for (const name of ['controller', 'redis', 'docker', 'router', 'sshd', 'base image', 'disk', 'memory']) {
      expect([...parts.keys()]).toContain(name)
    }
    for (const { name, healthy, fix, finding } of parts.values()) {
      expect(finding, name).toMatch(/\S/)
      if (!healthy) expect(fix, name).toMatch(/\S/)
    }
    expect(parts.get('redis')).toMatchObject({
      healthy: true,
      version: expect.stringMatching(/^\d+\./) as string,
    })
    expect(parts.get('docker')).toMatchObject({
      healthy: false,
      finding: expect.stringContaining('does not answer') as string,
    })
    expect(parts.get('router')).toMatchObject({
      healthy: false,
      fix: expect.stringContaining('paas-router') as string,
    })
  })

  test('knows sshd by its greeting, and what else listens there by its own', async () => {
    using sshd = await listen('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n')
    using other = await listen('220 mail ready\r\n')
    const { parts } = await doctor({ sshPort: sshd.port })
    expect(parts.get('sshd')).toMatchObject({ healthy: true, version: 'OpenSSH_9.2p1' })
    const { parts: wrong } = await doctor({ sshPort: other.port })
    expect(wrong.get('sshd')).toMatchObject({
      healthy: false,
      finding: expect.stringContaining('does not speak SSH') as string,
    })
  })

  test('believes a router that says it runs only if its port answers', async () => {
    const worker = { id: 'w1', pid: 1, startedAt: '2026-11-20T12:00:00.000Z', version: 4, draining: {} }
    await state.redis.sadd(routeKeys.workers, 'w1')
    await state.redis.set(routeKeys.worker('w1'), JSON.stringify(worker))
    using http = await listen('')
    const { parts } = await doctor({ http: { address: '127.0.0.1', port: http.port } })
    expect(parts.get('router')).toMatchObject({
      healthy: true,
      finding: expect.stringMatching(/1 worker.*table 4/) as string,
    })
    const { parts: deaf } = await doctor({ http: { address: '127.0.0.1', port: 1 } })
    expect(deaf.get('router')).toMatchObject({ healthy: false })
  })

  test('answers when Redis is away', async () => {
    await state.kill()
    const { code, parts } = await doctor()
    expect(code).toBe(1)
    expect(parts.get('redis')).toMatchObject({
      healthy: false,
      fix: expect.stringContaining('paas-redis') as string,
    })
    await state.start()
  })
})

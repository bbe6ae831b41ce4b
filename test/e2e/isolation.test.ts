import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { containersOf, docker, inspect } from '../support/docker.ts'
import { get, hostOf, instance, paas, paths } from '../support/instance.ts'
import { appName, createLaptop } from '../support/laptop.ts'
import { eventually, mustRun } from '../support/process.ts'

const one = appName('one')
const two = appName('two')
const canary = `canary-${randomBytes(12).toString('hex')}`
const laptop = await createLaptop('isolation')
let container: string
let neighbour: string
afterAll(() => laptop[Symbol.asyncDispose]())
beforeAll(async () => {
  for (const app of [one, two]) await (await laptop.clone(app)).deploy()
  const set = await paas(['config:set', '-a', one, `CANARY=${canary}`])
  expect(set.code).toBe(0)
  // What was retired by that still stops.
  await eventually('one container is left', 35_000, async () => (await containersOf(one)).length === 1)
  container = (await containersOf(one))[0]!
  neighbour = (await containersOf(two))[0]!
})

/** What connections from inside the container end with: `open`, or why they do not. Targets are `host:port`. */
async function reach(...targets: string[]): Promise<Record<string, string>> {
  const script = `
    const reach = (target) => new Promise((resolve) => {
      const [host, port] = target.split(':')
      const socket = require('node:net').connect({ host, port: Number(port) })
      socket.once('connect', () => resolve('open')).once('error', (error) => resolve(error.code))
      setTimeout(() => resolve('silent'), 2000)
    })
    const targets = process.argv.slice(1)
    Promise.all(targets.map(reach)).then((ends) => {
      console.log(JSON.stringify(Object.fromEntries(targets.map((target, i) => [target, ends[i]]))))
      process.exit()
    })`
  return JSON.parse(await docker('exec', container, 'node', '-e', script, ...targets)) as Record<
    string,
    string
  >
}

type Inspected = {
  NetworkSettings: { Networks: Record<string, { IPAddress: string; Gateway: string }> }
  HostConfig: Record<string, unknown>
}

describe('the network', () => {
  test('an app does not reach another one, which the router does', async () => {
    const { NetworkSettings } = await inspect<Inspected>(neighbour)
    const { IPAddress } = NetworkSettings.Networks[instance.bridge]!
    const neighbours = `${IPAddress}:5000`
    expect(await reach(neighbours)).toEqual({ [neighbours]: 'silent' })
    expect((await get(hostOf(two), '/facts')).status).toBe(200)
  })

  test('it reaches no port of the host, on none of its addresses', async () => {
    const server = createServer((socket) => socket.end('hello')).listen(0, '0.0.0.0')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const { NetworkSettings } = await inspect<Inspected>(container)
    const addresses = (await mustRun('hostname', ['--all-ip-addresses'])).trim().split(' ')
    const ipv4 = [NetworkSettings.Networks[instance.bridge]!.Gateway, ...addresses].filter((a) =>
      /^[\d.]+$/.test(a),
    )
    const ports = [port, instance.httpPort, instance.sshPort]
    const targets = [...new Set(ipv4)].flatMap((address) => ports.map((number) => `${address}:${number}`))
    expect(await reach(...targets)).toEqual(Object.fromEntries(targets.map((target) => [target, 'silent'])))
    server.close()
  })

  test('it does not reach the metadata service of a cloud', async () => {
    expect(await reach('169.254.169.254:80')).toEqual({ '169.254.169.254:80': 'silent' })
  })

  test('it has DNS', async () => {
    const resolver = await docker('exec', container, 'cat', '/etc/resolv.conf')
    expect(resolver).toMatch(/nameserver 127\.0\.0\.11/)
  })

  test('no port of it is open on the host', async () => {
    const { HostConfig } = await inspect<Inspected>(container)
    expect(HostConfig['PortBindings'] ?? {}).toEqual({})
    expect(HostConfig['PublishAllPorts']).toBe(false)
  })
})

describe('the container', () => {
  test('has the rights and the limits that it should have', async () => {
    const { HostConfig } = await inspect<Inspected>(container)
    expect(HostConfig).toMatchObject({
      Privileged: false,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: 512 * 1024 * 1024,
      MemorySwap: 512 * 1024 * 1024,
      PidsLimit: 1024,
      Init: true,
      RestartPolicy: { Name: 'no' },
      PidMode: '',
      IpcMode: 'private',
    })
    expect(HostConfig['Binds'] ?? []).toEqual([])
    const { Type, Config } = HostConfig['LogConfig'] as { Type: string; Config: Record<string, string> }
    expect(Type).toBe('json-file')
    expect(Config['max-size']).toMatch(/^\d+m$/)
    expect(Config['max-file']).toMatch(/^\d$/)
    const status = await docker('exec', container, 'cat', '/proc/1/status')
    expect(status).toMatch(/NoNewPrivs:\s+1/)
    expect(status).toMatch(/Seccomp:\s+2/)
    expect(status).toMatch(/CapBnd:\s+00000000000004eb/)
  })

  test('does not run as root', async () => {
    expect((await docker('exec', container, 'id', '-u')).trim()).not.toBe('0')
  })
})

describe('a config value', () => {
  const seen = (text: string): boolean => text.includes(canary)

  test('is in the process that needs it, and in no log, image, file of Redis, or process argument', async () => {
    expect((await get(hostOf(one), '/environment')).body).toContain(canary)
    for (const folder of [paths.redisData, paths.log, paths.builds, paths.appLogs, paths.repos, paths.etc]) {
      const files = await readdir(folder, { recursive: true, withFileTypes: true })
      for (const file of files.filter((entry) => entry.isFile())) {
        const path = join(file.parentPath, file.name)
        const text = await readFile(path, 'latin1').catch(() => '')
        expect(seen(text), path).toBe(false)
      }
    }
    const image = (await docker('inspect', '--format', '{{.Image}}', container)).trim()
    expect(seen(await docker('history', '--no-trunc', image))).toBe(false)
    expect(seen(await docker('image', 'inspect', image))).toBe(false)
    expect(seen(await mustRun('ps', ['-e', '-ww', '-o', 'args']))).toBe(false)
    const listed = await paas(['config:list', '-a', one])
    expect(listed.code).toBe(0)
    expect(seen(listed.stdout)).toBe(false)
  })
})

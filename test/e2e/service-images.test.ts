import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEngine } from '../../src/docker/engine.ts'
import { docker } from '../support/docker.ts'
import { get, hostOf, instance, paas, paasJson, paths } from '../support/instance.ts'
import { appName, type Clone, createLaptop } from '../support/laptop.ts'
import { type Official, officialImages } from '../support/official-images.ts'
import { eventually, mustRun } from '../support/process.ts'
import { dockerBuild, type Registry, startRegistry } from '../support/registry.ts'
import { everyKind } from '../support/service-kinds.ts'
import { killServer, opens, serverContainer, storeOf } from '../support/services.ts'
import { tinyImage } from '../support/tiny-image.ts'

// Services from named images of a registry, which are made as the official ones are and not as ours.

type Case = { image: Official; kind: string; version: RegExp; user: string }
const cases: Case[] = [
  { image: 'postgres:18', kind: 'postgres', version: /^18\./, user: 'postgres' },
  { image: 'mariadb:10.11', kind: 'mariadb', version: /^10\.11\./, user: 'mysql' },
  { image: 'redis:8', kind: 'redis', version: /^8\./, user: 'redis' },
  { image: 'valkey:9', kind: 'redis', version: /^9\./, user: 'valkey' },
  { image: 'memcached:1.6', kind: 'memcached', version: /^1\.6\./, user: 'memcache' },
  { image: 'rabbitmq:4', kind: 'rabbitmq', version: /^4\./, user: 'rabbitmq' },
]

const dev = await createLaptop('images')
const app = appName('reader')
const official = officialImages()
let registry: Registry
let clone: Clone

beforeAll(async () => {
  registry = await startRegistry()
  clone = await dev.clone(app, { from: 'node-store' })
  await clone.deploy()
}, 300_000)
afterAll(async () => {
  for (const { name } of await paasJson<{ name: string }[]>('services:list')) {
    await paas(['services:destroy', name, '--force', '--confirm', name])
  }
  for (const { id } of (await paasJson<{ backups: { id: string }[] }>('backups:list')).backups) {
    await paas(['backups:destroy', id])
  }
  for (const id of await pulled('{{.ID}}')) await docker('rmi', '--force', id)
  await official.remove()
  await registry.remove()
  await dev[Symbol.asyncDispose]()
}, 300_000)

/** What the engine has of the registry. */
const pulled = async (format = '{{.Repository}}:{{.Tag}}'): Promise<string[]> => {
  const filter = ['--filter', `reference=${registry.address}/*`]
  return [...new Set((await docker('images', '--format', format, ...filter)).split('\n').filter(Boolean))]
}

async function must(...args: string[]): Promise<string> {
  const { code, output, stdout } = await paas(args)
  expect(code, output).toBe(0)
  return stdout
}

const { ask, write } = storeOf(app)

const works = (variable: string): Promise<unknown> =>
  eventually(`${variable} works`, 90_000, async () => (await get(hostOf(app), `/${variable}`)).status === 200)

const variables = async (): Promise<Record<string, string>> =>
  JSON.parse(await must('config:export', '-a', app, '--format', 'json')) as Record<string, string>

type Info = { image: string; version: string; state: string; dataBytes: number | null }
type Proven = { id: string; drill: { ok: boolean; counts: Record<string, number> } }

describe.each(cases)('$image', ({ image, kind, version, user }) => {
  const { variable, survives, restores, setting, names } = everyKind.find((one) => one.kind === kind)!
  const name = appName(image.replaceAll(/\W/g, '')).slice(0, 20)
  const other = `${name}-b`
  let from: string

  beforeAll(async () => {
    await registry.push(await official.build(image), image)
    from = `${registry.address}/${image}`
  }, 300_000)
  afterAll(async () => {
    for (const one of [name, other]) await paas(['services:destroy', one, '--force', '--confirm', one])
  })

  test(
    'is pulled, serves an app, and is back with its data when it was killed',
    { timeout: 300_000 },
    async () => {
      expect(await pulled()).not.toContain(from)
      expect(await must(`${kind}:create`, name, '--image', from)).toContain(`${name} is ready`)
      const info = await paasJson<Info>('services:info', name)
      expect(info).toMatchObject({ image: from, state: 'running' })
      expect(info.version).toMatch(version)
      const server = await serverContainer(name)
      expect((await docker('exec', server, 'id', '-un')).trim()).toBe(user)
      await must('services:link', name, '-a', app, '--as', variable)
      await write(variable, 'first')
      expect(await ask(variable)).toEqual(['first'])
      await killServer(name)
      await works(variable)
      if (survives) expect(await ask(variable)).toEqual(['first'])
      else await write(variable, 'first')
      expect(await must('services:logs', name, '-n', '200')).not.toContain('entry point')
    },
  )

  test('has settings, a client, a port, and new passwords', { timeout: 300_000 }, async () => {
    const inShell = async (text: string): Promise<string> =>
      (await paas(['services:connect', name], { input: `${text}\n` })).output
    await must('services:set', name, setting.pair, '--memory', '700m')
    expect(await inShell(setting.ask)).toMatch(setting.shows)
    const refused = await paas(['services:set', name, setting.wrong])
    expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('Back to what it was')])
    await must('services:set', name, `${setting.pair.split('=')[0]!}=`)

    const { port } = await paasJson<{ port: number }>('services:expose', name)
    await eventually('the port is open', 20_000, () => answers(port))
    await must('services:unexpose', name)
    expect(await answers(port)).toBe(false)

    const before = (await variables())[variable]!
    await must('credentials:rotate', name)
    await works(variable)
    const after = (await variables())[variable]!
    if (new URL(before).password !== '') {
      expect([await opens(app, before), await opens(app, after)]).toEqual([false, true])
    }
    await must('services:restart', name)
    await works(variable)
    if (kind === 'rabbitmq') {
      const guest = Object.assign(new URL(after), { username: 'guest', password: 'guest', pathname: '/%2F' })
      expect(await opens(app, guest.href)).toBe(false)
    }
  })

  test.runIf(names)(
    'gives an app a database of its own, and takes it back',
    { timeout: 300_000 },
    async () => {
      await must('services:create', kind, other, '--image', from)
      await must('services:link', other, '-a', app, '--own-database', '--as', 'OWN')
      await write('OWN_URL', 'mine')
      expect(await ask('OWN_URL')).toEqual(['mine'])
      await must('services:unlink', other, '-a', app, '--drop-database')
      await must('services:destroy', other, '--confirm', other)
    },
  )

  test.skipIf(restores === 'nothing')(
    'is backed up, proven, restored where it is gone, piped into another one, and cloned',
    { timeout: 400_000 },
    async () => {
      const rows = await ask(variable)
      const backup = await paasJson<Proven>('backups:create', name, '--drill')
      expect(backup.drill).toMatchObject({ ok: true })
      await must('services:destroy', name, '--force', '--confirm', name)
      await must('backups:restore', name, backup.id)
      expect(await paasJson('services:info', name)).toMatchObject({ image: from })
      await must('services:link', name, '-a', app, '--as', variable)
      if (restores === 'rows') expect(await ask(variable)).toEqual(rows)

      await must('services:clone', name, other)
      const line = 'set -euo pipefail; "$1" services:export "$2" | "$1" services:import "$3"'
      await mustRun('bash', ['-c', line, 'pipe', paths.launcher, name, other])
      const copy = await paasJson<Proven>('backups:create', other, '--drill')
      expect(copy.drill).toEqual({ ...copy.drill, ok: true, counts: backup.drill.counts })
      const { code } = await paas(['services:import', other], { input: 'this is no dump' })
      expect(code).toBe(1)
      await must('services:destroy', other, '--confirm', other)
    },
  )

  test('takes over from our own image, or hands over to it, and back', { timeout: 400_000 }, async () => {
    const own = `paas/service-${kind}:${{ postgres: '17', mariadb: '11.8', redis: '8', memcached: '1.6', rabbitmq: '4' }[kind]!}`
    // Redis reads no dump of Valkey, and the other way round; MariaDB none of a newer one.
    const [first, second] = image === 'mariadb:10.11' ? [from, own] : [own, from]
    await must('services:create', kind, other, ...(first === own ? [] : ['--image', first]))
    await must('services:link', other, '-a', app, '--as', 'OTHER')
    await write('OTHER_URL', 'before')
    const rows = await ask('OTHER_URL')
    const same = async (): Promise<void> => {
      await works('OTHER_URL')
      if (restores === 'rows') expect(await ask('OTHER_URL')).toEqual(rows)
    }
    const upgraded = await paas(['services:upgrade', other, '--image', second])
    if (image === 'valkey:9') {
      expect([upgraded.code, upgraded.output]).toEqual([1, expect.stringMatching(/RDB/)])
      await same()
      expect(await paasJson('services:info', other)).toMatchObject({
        image: first,
        unconfirmedUpgradeFrom: null,
      })
    } else {
      expect(upgraded.code, upgraded.output).toBe(0)
      expect(await paasJson('services:info', other)).toMatchObject({ image: second })
      await same()
      await write('OTHER_URL', 'after')
      await must('services:upgrade', other, '--undo', '--confirm', other)
      expect(await paasJson('services:info', other)).toMatchObject({ image: first })
      await same()
      await must('services:upgrade', other, '--image', second)
      await must('services:upgrade', other, '--finish')
      await same()
      expect(
        (await paasJson<Proven>('backups:create', other, '--drill').catch(() => undefined))?.drill.ok,
      ).toBe(restores === 'nothing' ? undefined : true)
    }
    await must('services:unlink', other, '-a', app)
    await must('services:destroy', other, '--confirm', other)
  })

  test('leaves nothing behind', { timeout: 120_000 }, async () => {
    await must('services:destroy', name, '--force', '--confirm', name)
    expect(await left()).toEqual('')
  })
})

/** Containers, networks and volumes of services. */
async function left(): Promise<string> {
  const filter = ['--filter', `label=paas.instance=${instance.name}`]
  const lists = await Promise.all([
    docker('ps', '--all', '--quiet', ...filter, '--filter', 'label=paas.kind'),
    docker('ps', '--all', '--quiet', ...filter, '--filter', 'label=paas.service'),
    docker('network', 'ls', '--quiet', ...filter, '--filter', 'label=paas.service'),
    docker('volume', 'ls', '--quiet', ...filter, '--filter', 'label=paas.service'),
  ])
  return lists.join('')
}

/** Whether a server greets or at least keeps a connection that nothing comes over. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('error', () => resolve(false)).once('close', () => resolve(false))
    const done = (): void => {
      resolve(true)
      socket.destroy()
    }
    socket.once('data', done).once('connect', () => setTimeout(done, 500))
  })
}

test(
  'an upgrade of a tag that was moved pulls it anew, and what was before is still there',
  { timeout: 300_000 },
  async () => {
    const [name, image] = [appName('moved').slice(0, 20), `${registry.address}/cache:1`]
    const made = await official.build('redis:8')
    const push = async (text: string): Promise<void> => {
      const tag = `paas-test/cache:${instance.name}`
      await dockerBuild(tag, `FROM ${made}\nLABEL text=${text}`)
      await registry.push(tag, 'cache:1')
      await docker('rmi', tag)
    }
    await push('first')
    await must('redis:create', name, '--image', image)
    const before = await inspected(name)
    await push('second')
    // Nobody asked for another one yet.
    await must('services:set', name, 'maxclients=50')
    expect(await inspected(name)).toBe(before)
    await must('services:upgrade', name)
    const after = await inspected(name)
    expect(after).not.toBe(before)
    await must('services:upgrade', name, '--undo', '--confirm', name)
    expect(await inspected(name)).toBe(before)
    await registry.stop()
    const { code, output } = await paas(['services:upgrade', name])
    await registry.start()
    expect([code, output]).toEqual([0, expect.stringContaining('Taking what is here under this name')])
    await must('services:upgrade', name, '--finish')
    expect(await inspected(name)).toBe(after)
    expect(await docker('images', '--all', '--quiet', '--no-trunc')).not.toContain(before)
    await must('services:destroy', name, '--confirm', name)
  },
)

const inspected = async (name: string): Promise<string> =>
  (await docker('inspect', '--format', '{{.Image}}', await serverContainer(name))).trim()

describe('an image that will not do is refused, and nothing of it stays', () => {
  const engine = openEngine(instance.dockerSocket)
  const name = appName('never').slice(0, 20)

  beforeAll(async () => {
    await engine.negotiate()
    await registry.push(await official.build('debian:sid'), 'debian:sid')
    const redis = await official.build('redis:8')
    const variants = {
      'old:1': `FROM ${redis}\nRUN printf '#!/bin/sh\\necho Redis server v=6.2.1\\n' > /usr/local/bin/redis-server && chmod 755 /usr/local/bin/redis-server`,
      'broken:1': `FROM ${redis}\nRUN printf '#!/bin/sh\\n[ "$1" != --version ] || { echo v=8.0.1; exit; }\\necho a library is missing\\nexit 3\\n' > /usr/local/bin/redis-server && chmod 755 /usr/local/bin/redis-server`,
      'closed:1': `FROM ${redis}\nRUN chown root:root /data && chmod 755 /data`,
    }
    for (const [image, dockerfile] of Object.entries(variants)) {
      const tag = `paas-test/${image.replace(':', '-')}:${instance.name}`
      await dockerBuild(tag, dockerfile)
      await registry.push(tag, image)
      await docker('rmi', tag)
    }
    const tiny = await tinyImage(engine, instance.name)
    await registry.push(`paas-test/tiny:${instance.name}`, 'tiny:1')
    await engine.images.remove(tiny)
    // The head of a program for another processor; without a shell the system would look for one to run it.
    const elf = Buffer.alloc(64)
    elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
    elf.writeUInt16LE(2, 16)
    elf.writeUInt16LE(183, 18)
    // An import takes no architecture, and Docker builds for another one only with plugins: so it is put together here.
    const script = `set -euo pipefail; cd "$(mktemp -d)"
mkdir bin; base64 -d > bin/bash; cp bin/bash bin/sh; chmod 755 bin/*; tar --create --file=layer.tar bin
sum=$(sha256sum layer.tar | cut -c -64)
echo '{"architecture":"arm64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:'$sum'"]}}' > config.json
echo '[{"Config":"config.json","RepoTags":["'$1'"],"Layers":["layer.tar"]}]' > manifest.json
tar --create manifest.json config.json layer.tar | docker load; rm -r "$PWD"`
    const foreign = `paas-test/foreign:${instance.name}`
    await mustRun('bash', ['-c', script, 'foreign', foreign], {
      input: elf.toString('base64'),
      env: { ...process.env, DOCKER_HOST: `unix://${instance.dockerSocket}` },
    })
    await registry.push(foreign, 'foreign:1')
    await docker('rmi', foreign)
  }, 300_000)

  test.each([
    ['that is not there', 'postgres', 'postgres:99', 3, /There is no image 127\.0\.0\.1:\d+\/postgres:99/],
    [
      'that is no database',
      'postgres',
      'debian:sid',
      2,
      /PostgreSQL: it has no user postgres, no initdb, no/,
    ],
    [
      'of another datastore',
      'mariadb',
      'old:1',
      2,
      /official image of MariaDB: it has no user mysql, no mariadb/,
    ],
    ['without bash', 'redis', 'tiny:1', 2, /there is no bash in it/],
    [
      'for another processor',
      'redis',
      'foreign:1',
      2,
      /is made for arm64, which this server cannot run|is not there for the processor of this server/,
    ],
    ['that is too old', 'redis', 'old:1', 2, /is Redis 6\.2\.1; paas needs 7\.0 or newer/],
    [
      'with a folder that its user may not write to',
      'redis',
      'closed:1',
      2,
      /no folder \/data that redis may write/,
    ],
    ['whose server does not start', 'redis', 'broken:1', 1, /ended with code 3:\n[^]*a library is missing/],
  ] as const)('one %s', { timeout: 120_000 }, async (_, kind, image, code, message) => {
    const before = await pulled()
    const refused = await paas([`${kind}:create`, name, '--image', `${registry.address}/${image}`])
    expect([refused.code, refused.output]).toEqual([code, expect.stringMatching(message)])
    expect([await pulled(), await left()]).toEqual([before, ''])
    expect((await paas(['services:info', name])).code).toBe(3)
  })

  test('one of a registry that is down', async () => {
    const before = await pulled()
    await registry.stop()
    const image = `${registry.address}/debian:sid`
    const { code, output } = await paas(['redis:create', name, '--image', image])
    await registry.start()
    expect([code, output]).toEqual([1, expect.stringMatching(/could not be pulled: .*connection refused/)])
    expect([await pulled(), await left()]).toEqual([before, ''])
  })

  test('for an upgrade, which leaves the service as it is', { timeout: 120_000 }, async () => {
    const image = `${registry.address}/broken:1`
    await must('redis:create', name)
    const before = [await inspected(name), await pulled()]
    const { code, output } = await paas(['services:upgrade', name, '--image', image])
    expect([code, output]).toEqual([1, expect.stringContaining('a library is missing')])
    expect(await paasJson('services:info', name)).toMatchObject({
      state: 'running',
      unconfirmedUpgradeFrom: null,
    })
    expect([await inspected(name), await pulled()]).toEqual(before)
    await must('services:destroy', name, '--confirm', name)
  })
})

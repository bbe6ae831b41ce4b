import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everyKind } from '../support/service-kinds.ts'
import { addressOf, killServer, networksOf, reaches, serverContainer, storeOf } from '../support/services.ts'
import { get, hostOf, instance, paas, paasJson, paths } from '../support/instance.ts'
import { appName, type Clone, createLaptop } from '../support/laptop.ts'
import { eventually, mustRun, run } from '../support/process.ts'

/** With PAAS_TEST=all every kind, which takes minutes on a new machine. */
const quick = ['postgres']
const kinds = everyKind.filter(({ kind }) => process.env['PAAS_TEST'] === 'all' || quick.includes(kind))

const dev = await createLaptop('services')
const app = appName('store')
/** The image of a next version; another name of the same. */
const next = `example/${instance.name}:next`
let clone: Clone

beforeAll(async () => {
  clone = await dev.clone(app, { from: 'node-store' })
  await clone.deploy()
})
afterAll(async () => {
  for (const { name } of await paasJson<{ name: string }[]>('services:list')) {
    await paas(['services:destroy', name, '--force', '--confirm', name])
  }
  for (const { id } of (await paasJson<{ backups: { id: string }[] }>('backups:list')).backups) {
    await paas(['backups:destroy', id])
  }
  await run('docker', ['rmi', next])
  await dev[Symbol.asyncDispose]()
})

async function must(...args: string[]): Promise<string> {
  const { code, output, stdout } = await paas(args)
  expect(code, output).toBe(0)
  return stdout
}

const { ask, write } = storeOf(app)

/** A pipe of the shell, as people type it. */
const piped = (line: string, ...args: string[]): Promise<string> =>
  mustRun('bash', ['-c', `set -euo pipefail; ${line}`, 'pipe', ...args])

/** Bytes that a shell, a terminal, SQL or JSON would change on the way if anything took them for its own. */
const difficult = `\\n \\\\ ' " \u0001 \u001b[31m \t é 🚀 $(id) \r %s -- ;`

const sshOf = (command: string): string =>
  `${dev.env['GIT_SSH_COMMAND']} -p ${instance.sshPort} ${instance.user}@127.0.0.1 ${command}`

describe.each(kinds)('$kind', ({ kind, variable, survives, restores, garbage }) => {
  const name = appName(kind).slice(0, 20)

  test(
    'is made, linked, written to by an app, and back with its data when it was killed',
    { timeout: 400_000 },
    async () => {
      // The first one of a kind builds the image.
      await must('services:create', kind, `${name}-first`)
      await must('services:destroy', `${name}-first`, '--confirm', `${name}-first`)
      const { seconds } = await paasJson<{ seconds: number }>(`${kind}:create`, name)
      if (kind === 'postgres') expect(seconds).toBeLessThan(10)

      await must('services:link', name, '-a', app)
      expect((await get(hostOf(app))).body.split('\n')).toContain(variable)
      await write(variable, 'first')
      expect(await ask(variable)).toEqual(['first'])

      await killServer(name)
      await eventually(
        'the service is back',
        90_000,
        async () => (await get(hostOf(app), `/${variable}`)).status === 200,
      )
      if (survives) expect(await ask(variable)).toEqual(['first'])
    },
  )

  test.skipIf(restores === 'nothing')(
    'is backed up and proven, destroyed, and restored with the same in it',
    { timeout: 400_000 },
    async () => {
      const backup = await paasJson<{ id: string; drill: { ok: boolean; counts: Record<string, number> } }>(
        ...['backups:create', name, '--drill'],
      )
      expect(backup.drill.ok).toBe(true)
      const here = await piped('"$1" backups:download "$2" | sha256sum', paths.launcher, backup.id)
      expect(await piped(`${sshOf('backups:download "$1"')} | sha256sum`, backup.id)).toBe(here)

      const refused = await paas(['services:destroy', name, '--confirm', name])
      expect(refused.output).toContain(`is in use by ${app}`)
      await must('services:destroy', name, '--force', '--confirm', name)
      await must('backups:restore', name, backup.id)
      await must('services:link', name, '-a', app)
      if (restores === 'rows') expect(await ask(variable)).toEqual(['first'])
      const again = await paasJson<{ drill: { counts: Record<string, number> } }>(
        'backups:create',
        name,
        '--drill',
      )
      expect(again.drill.counts).toEqual(backup.drill.counts)
    },
  )

  test.skipIf(restores === 'nothing')(
    'goes by a pipe over SSH into another one, and what is no dump changes nothing',
    { timeout: 400_000 },
    async () => {
      const other = `${name}-b`
      await must('services:create', kind, other)
      await write(variable, difficult)
      const rows = await ask(variable)
      await piped(`${sshOf(`services:export ${name}`)} | ${sshOf(`services:import ${other}`)}`)
      await must('services:link', other, '-a', app, '--as', 'OTHER')
      if (restores === 'rows') expect(await ask('OTHER_URL')).toEqual(rows)

      const whole = Buffer.from(
        await piped('"$1" services:export "$2" | base64 --wrap 0', paths.launcher, other),
        'base64',
      )
      const contents = async (): Promise<unknown> => [
        (await paasJson<{ drill: { counts: unknown } }>('backups:create', other, '--drill')).drill.counts,
        await ask('OTHER_URL'),
      ]
      const before = await contents()
      const cut = [Math.floor(whole.length / 2), whole.lastIndexOf('\n', whole.length - 2)]
      for (const input of ['', 'this is no dump', ...garbage, ...cut.map((at) => whole.subarray(0, at))]) {
        const { code } = await paas(['services:import', other], { input })
        expect(code, JSON.stringify(input.toString()).slice(0, 80)).toBe(1)
      }
      expect(await contents()).toEqual(before)
      await must('services:unlink', other, '-a', app)
      await must('services:destroy', other, '--confirm', other)
    },
  )

  test(
    'an upgrade takes the data along, keeps what was, and can be undone',
    { timeout: 400_000 },
    async () => {
      const image = (
        await mustRun('docker', ['inspect', '--format', '{{.Config.Image}}', await serverContainer(name)])
      ).trim()
      await mustRun('docker', ['tag', image, next])
      const same = async (rows: string[]): Promise<void> => {
        const now = await ask(variable)
        if (restores === 'rows') expect(now).toEqual(rows)
      }
      const before = await ask(variable)
      await must('services:upgrade', name, '--image', next)
      await same(before)
      await write(variable, 'after')
      await must('services:upgrade', name, '--undo', '--confirm', name)
      await same(before)
      await must('services:upgrade', name, '--image', next)
      await must('services:upgrade', name, '--finish')
      await same(before)
    },
  )

  test(
    'a second link gets a colour, and unlinking takes variables and the way there',
    { timeout: 400_000 },
    async () => {
      const second = `${name}-c`
      await must('services:create', kind, second)
      await must('services:link', second, '-a', app)
      const { links } = await paasJson<{ links: { variables: string[] }[] }>('services:info', second)
      expect(links[0]!.variables[0]).toMatch(/^[A-Z]+_URL$/)
      expect(links[0]!.variables[0]).not.toBe(variable)
      await write(links[0]!.variables[0]!, 'second')
      expect(await ask(links[0]!.variables[0]!)).toEqual(['second'])
      expect(await networksOf(app)).toHaveLength(3)
      const address = await addressOf(second)
      const { port } = new URL((await must('services:credentials', second)).trim())
      expect(await reaches(app, address, Number(port))).toBe(true)
      for (const one of [second, name]) await must('services:unlink', one, '-a', app)
      expect((await get(hostOf(app))).body.trim()).toBe('')
      await eventually('only the bridge is left', 40_000, async () => (await networksOf(app)).length === 1)
      expect(await reaches(app, address, Number(port))).toBe(false)
      for (const one of [second, name]) await must('services:destroy', one, '--confirm', one)
    },
  )
})

describe('bad input', () => {
  const unknown = [
    ...['info', 'start', 'stop', 'restart', 'connect', 'credentials', 'export', 'import', 'expose'],
    ...['unexpose', 'logs', 'upgrade', 'credentials:rotate', 'destroy'],
  ].map((verb) => [`services:${verb}`, 'nothing'])
  unknown.push(
    ...['link', 'unlink', 'promote'].map((verb) => [`services:${verb}`, 'nothing', '-a', app]),
    ...['clone', 'rename'].map((verb) => [`services:${verb}`, 'nothing', 'other']),
    ['services:set', 'nothing', 'a=b'],
    ['backups:create', 'nothing'],
    ['backups:schedule', 'nothing', '@daily'],
  )

  test('an unknown kind, a name in use, an unknown service', async () => {
    expect((await paas(['services:create', 'oracle', 'x1'])).output).toContain('postgres, mariadb, redis')
    expect((await paas(['services:create', 'redis', 'x1', '--memory', '999g'])).code).toBe(2)
    await must('services:create', 'redis', 'taken')
    const taken = await paas(['services:create', 'redis', 'taken'])
    expect([taken.code, taken.output]).toEqual([
      1,
      expect.stringContaining('There is a service named taken already'),
    ])
    expect((await paas(['backups:restore', 'taken', '20260101-000000-aaaa'])).code).toBe(3)
    for (const words of unknown) {
      const refused = await paas(words)
      expect([refused.code, refused.stdout], words.join(' ')).toEqual([3, ''])
    }
    await must('services:destroy', 'taken', '--confirm', 'taken')
  })

  test('no secret is in the arguments of a process or in an image', async () => {
    await must('services:create', 'postgres', 'quiet')
    const url = (await must('services:credentials', 'quiet')).trim()
    const password = new URL(url).password
    expect(password).toHaveLength(64)
    await must('credentials:rotate', 'quiet')
    expect((await must('services:credentials', 'quiet')).includes(password)).toBe(false)
    const history = await mustRun('docker', ['history', '--no-trunc', 'paas/service-postgres:17'])
    const inspected = await mustRun('docker', [
      'inspect',
      ...(await mustRun('docker', ['ps', '-q', '--filter', 'name=^/quiet\\.'])).trim().split('\n'),
    ])
    for (const text of [history, inspected, await mustRun('ps', ['-eww', '-o', 'args'])])
      expect(text).not.toContain(password)
    await must('services:destroy', 'quiet', '--confirm', 'quiet')
  })
})

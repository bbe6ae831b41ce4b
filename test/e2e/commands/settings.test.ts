import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { commandsOf, everyCommand } from '../../support/every-command.ts'
import { get, hostOf, paas, paasJson, paths, probe } from '../../support/instance.ts'
import { appName, type Clone, createLaptop } from '../../support/laptop.ts'
import { eventually, run as runProgram, start } from '../../support/process.ts'

const app = appName('settings')
const laptop = await createLaptop('settings')
const { run, does, json, refuses } = commandsOf(app)

let clone: Clone
beforeAll(async () => {
  clone = await laptop.clone(app)
  await clone.deploy()
})
afterAll(() => laptop[Symbol.asyncDispose]())

type Info = { release: { version: number }; domains: string[]; lock: { reason: string; by: string } | null }
const info = (): Promise<Info> => json('apps:info')
const release = async (): Promise<number> => (await info()).release.version
const environment = async (): Promise<Record<string, string>> =>
  JSON.parse((await get(hostOf(app), '/environment')).body) as Record<string, string>

/** Runs something that must make so many releases. */
async function makes(releases: number, change: () => Promise<unknown>): Promise<void> {
  const before = await release()
  await change()
  expect(await release()).toBe(before + releases)
}

everyCommand(['config'], {
  'config:set': async () => {
    await makes(1, async () => {
      expect(await does('config:set', 'A=1', 'SECRET=very secret', 'EMPTY=')).toMatch(
        /^Set A, SECRET, EMPTY of \S+: v\d+\.\n$/,
      )
    })
    expect(await environment()).toMatchObject({ A: '1', SECRET: 'very secret', EMPTY: '' })
    await makes(0, async () => {
      expect(await does('config:set', 'A=1')).toMatch(/^Nothing to change: A of \S+ was so already\.\n$/)
      expect(await does('config:set', '--no-restart', 'B=staged')).toMatch(/the next release goes by it/)
    })
    expect(await environment()).not.toHaveProperty('B')
  },

  'config:list': async () => {
    const listed = await does('config')
    expect(listed).toMatch(/^A: +••••••••\nB: +••••••••  \(not live yet\)\n/)
    expect(listed).not.toContain('very secret')
    expect(await does('config:list')).toBe(listed)
    expect(await json('config:list', '--reveal')).toContainEqual({
      ...{ name: 'SECRET', value: 'very secret' },
      live: true,
    })
  },

  'config:get': async () => {
    for (let i = 0; i < 2; i++) expect(await does('config:get', 'SECRET')).toBe('very secret\n')
  },

  'config:export': async () => {
    expect(await does('config:export')).toBe(`A='1'\nB='staged'\nEMPTY=''\nSECRET='very secret'\n`)
    const shell = await does('config:export', '--format', 'shell')
    const { stdout } = await runProgram('/bin/sh', ['-c', `${shell}\necho "$SECRET"`])
    expect(stdout).toBe('very secret\n')
    expect(JSON.parse(await does('config:export', '--format', 'json'))).toMatchObject({ B: 'staged' })
  },

  'config:import': async () => {
    await writeFile(join(laptop.folder, 'env'), 'A=2\nC="two words"\n')
    await makes(1, () => laptop.paas(['config:import', '../env'], { cwd: clone.folder }))
    // What was staged is live with it.
    expect(await environment()).toMatchObject({ A: '2', B: 'staged', C: 'two words', SECRET: 'very secret' })
    await makes(0, async () => {
      const again = await laptop.paas(['config:import', '../env'], { cwd: clone.folder })
      expect(again.stdout).toMatch(/so already/)
    })
    const exported = await does('config:export')
    await makes(0, () => paas(['config:import', '-a', app], { input: exported }))
  },

  'config:edit': async () => {
    const edit = (editor: string) =>
      runProgram('/usr/bin/script', ['-qec', `${paths.launcher} config:edit -a ${app}`, '/dev/null'], {
        env: { ...process.env, VISUAL: editor },
      })
    await makes(1, async () => {
      expect((await edit(`sed -i -e s/^A=.*/A=3/ -e /^C=/d`)).output).toMatch(/Changed A, C of/)
    })
    expect(await environment()).toMatchObject({ A: '3' })
    await makes(0, async () => {
      expect((await edit('true')).output).toMatch(/Nothing was changed/)
      expect((await edit('false')).output).toMatch(/nothing was changed/)
    })
  },

  'config:unset': async () => {
    await makes(1, async () => {
      expect(await does('config:unset', 'A', 'EMPTY')).toMatch(/^Unset A, EMPTY of \S+: v\d+\.\n$/)
    })
    expect(await environment()).not.toHaveProperty('A')
    await makes(0, async () => {
      expect(await does('config:unset', 'A')).toMatch(/^Nothing to change: A of \S+ was so already\.\n$/)
    })
  },
})

everyCommand(['domains', 'apps'], {
  'domains:add': async () => {
    await makes(0, async () => {
      for (let i = 0; i < 2; i++) {
        expect(await does('domains:add', `www.${app}.example.com`)).toMatch(/^\S+ answers on www\./)
      }
    })
    await eventually(
      'it answers there',
      5000,
      async () => (await get(`www.${app}.example.com`, '/facts')).status === 200,
    )
  },

  'domains:list': async () => {
    expect(await does('domains')).toBe(`${hostOf(app)}\nwww.${app}.example.com\n`)
    expect(await json('domains:list')).toMatchObject([{ kind: 'own' }, { kind: 'custom' }])
  },

  'domains:remove': async () => {
    expect(await does('domains:remove', `www.${app}.example.com`)).toMatch(/on its own host only/)
    expect(await refuses(3, 'domains:remove', `www.${app}.example.com`)).toMatch(/paas domains:list/)
    await eventually(
      'it answers there no more',
      5000,
      async () => (await get(`www.${app}.example.com`, '/facts')).status === 404,
    )
  },

  'apps:lock': async () => {
    for (let i = 0; i < 2; i++)
      expect(await does('apps:lock', 'data moves')).toBe(`${app} is locked: data moves\n`)
    const changes = [
      ['config:set', 'A=no'],
      ['scale', 'web=2'],
      ['ps:restart'],
      ['ps:stop'],
      ['rollback'],
      ['deploy'],
    ]
    for (const change of [...changes, ['ps:type', 'web=64m'], ['checks:set', 'web', '--skip']]) {
      const [command, ...words] = change
      expect(await refuses(5, command!, ...words), command).toMatch(/was locked by root: data moves/)
    }
    const push = await clone.push('+HEAD~0:main')
    const changed = await clone.commit({ note: 'locked' }).then(() => clone.push())
    expect([push.code, changed.code]).toEqual([0, 1])
    expect(changed.output).toMatch(/was locked by root: data moves/)
    // Whoever else would lock it is told by whom it is, and their reason does not take its place.
    const other = await laptop.paas(['apps:lock', 'mine'], { cwd: clone.folder })
    expect([other.code, other.stderr]).toEqual([5, expect.stringContaining('locked by root: data moves')])
    expect((await info()).lock).toMatchObject({ by: 'root', reason: 'data moves' })
    expect(await does('apps:info')).toMatch(/^locked: +by root: data moves$/m)
    expect((await probe(app)).version).toBe('1')
  },

  'apps:unlock': async () => {
    for (let i = 0; i < 2; i++) expect(await does('apps:unlock')).toBe(`${app} is not locked.\n`)
    expect(await info()).toMatchObject({ lock: null })
    await clone.deploy()
  },

  'apps:info': async () => {
    expect(await json('apps:info')).toMatchObject({ name: app, formation: { web: 1 }, branch: 'main' })
    expect(await does('info')).toBe(await does('apps:info'))
  },

  'apps:create': async () => {
    const name = appName('made')
    expect((await paas(['apps:create', name])).stdout).toMatch(new RegExp(`^${name}\\n.*will answer at http`))
    expect((await paas(['apps:create', name])).code).toBe(1)
    // Nothing of it is to be seen yet, and that is no failure.
    for (const command of [
      'ps',
      'logs',
      'releases',
      'builds',
      'config',
      'cron',
      'drains',
      'run:list',
      'scale',
    ]) {
      expect([command, await paas([command, '-a', name])]).toMatchObject([command, { code: 0, output: '' }])
    }
    for (const command of ['rollback', 'ps:restart', 'ps:stop', 'releases:info', 'deploy', 'builds:log']) {
      expect([command, await paas([command, '-a', name])]).toMatchObject([
        command,
        { code: 3, output: expect.stringContaining('git push paas main') as string },
      ])
    }
    // What is set for a type that no source has is noted, and the plan tells.
    expect((await paas(['scale', '-a', name, 'wroker=1'])).code).toBe(0)
    const plan = await laptop.paas(['deploy', '--plan', '-a', name], { cwd: clone.folder })
    expect(plan.stdout).toContain(`no process type wroker to be scaled: paas scale -a ${name} wroker=0\n`)
    expect((await paas(['apps:destroy', '-a', name, '--confirm', name])).code).toBe(0)
  },

  'apps:list': async () => {
    const names = (await paasJson<{ name: string }[]>('apps:list')).map(({ name }) => name)
    expect(names).toContain(app)
    expect((await paas(['apps'])).stdout).toBe(names.map((name) => `${name}\n`).join(''))
  },

  'apps:rename': async () => {
    const name = appName('renamed')
    expect(await does('apps:rename', name)).toMatch(new RegExp(`^${name}\\n.*git remote set-url paas`, 's'))
    await eventually('it answers there', 5000, async () => (await get(hostOf(name), '/facts')).status === 200)
    expect(await refuses(3, 'apps:rename', name)).toMatch(/no app named/)
    expect((await paas(['apps:rename', '-a', name, app])).code).toBe(0)
  },

  'apps:destroy': async () => {
    expect(await refuses(2, 'apps:destroy')).toMatch(/for good/)
    const own = await laptop.clone(appName('gone'))
    await own.deploy()
    const destroy = () => paas(['apps:destroy', '-a', own.app, '--confirm', own.app])
    expect((await destroy()).stdout).toBe(`${own.app} is gone.\n`)
    expect((await destroy()).code).toBe(3)
    await eventually('it answers no more', 5000, async () => (await get(hostOf(own.app))).status === 404)
  },
})

everyCommand(['logs', 'drains'], {
  logs: async () => {
    expect((await get(hostOf(app), '/facts?asked')).status).toBe(200)
    const kinds = ['web', 'web.1', 'build', 'deploy', 'router']
    for (const kind of kinds) {
      await eventually(`a line of ${kind}`, 10_000, async () => (await does('logs', '-t', kind)) !== '')
    }
    for (const line of (await does('logs', '-t', 'router')).trim().split('\n'))
      expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\+00:00 paas\[router\]: /)
    const lines = (await does('logs', '-n', '1000')).trim().split('\n')
    const times = lines.map((line) => line.split(' ')[0]!)
    expect(times).toEqual(times.toSorted())
    expect((await does('logs', '-n', '2')).trim().split('\n')).toHaveLength(2)
    const since = await does('logs', '--since', '1h', '--json', '-n', '1')
    expect(JSON.parse(since)).toMatchObject({ stream: expect.any(String) as string })
    expect(await does('logs', '--since', '2100-01-01')).toBe('')
    // A type that there is, and that has said nothing, is no mistake; one that there is not, is.
    expect(await run('logs', '-t', 'run')).toMatchObject({ code: 0, output: '' })
    expect(await refuses(3, 'logs', '-t', 'wbe')).toMatch(/called "wbe"[^]*There are: web, build/)
    // At a terminal it is said where there is nothing.
    const line = `${paths.launcher} logs -a ${app} -t run`
    expect((await runProgram('/usr/bin/script', ['-qec', line, '/dev/null'])).output).toMatch(/no such lines/)

    const following = start(paths.launcher, ['logs', '-a', app, '-f', '-n', '0'])
    await does('run:detached', '--', 'while :; do echo followed; sleep 0.2; done')
    await following.shows(/app\[run\.\d+\]: followed\n/)
    following.child.kill('SIGINT')
    expect((await following.finished).code).toBe(0)
    await does('run:stop', '--all')
  },

  'drains:add': async () => {
    const url = await receiver()
    expect(await does('drains:add', url)).toMatch(/^The logs of \S+ go to \S+ too \(d\w{15}\)\.\n$/)
    expect(await refuses(2, 'drains:add', url)).toMatch(/has this drain already/)
    await eventually('a line arrives', 15_000, async () => {
      await does('run:detached', '--', 'echo drained')
      return received.includes('drained')
    })
    expect(received).toMatch(new RegExp(`<134>1 \\S+ ${app} app run\\.\\d+ - - drained`))
  },

  'drains:list': async () => {
    await does('drains:add', 'https://ann:pa55word@127.0.0.1:1/in')
    const listed = await does('drains')
    expect(listed).toMatch(/^d\w{15} {2}syslog:\/\/127\.0\.0\.1:\d+ +\d+ sent {2}0 dropped {2}well\n/)
    expect(listed).not.toContain('pa55word')
    expect(await json('drains:list')).toMatchObject([{ dropped: 0, problem: null }, { sent: 0 }])
  },

  'drains:remove': async () => {
    const [first, second] = await json<{ id: string; url: string }[]>('drains:list')
    await does('drains:remove', first!.url)
    expect(await refuses(3, 'drains:remove', first!.url)).toMatch(/paas drains -a/)
    expect(await does('drains:remove', second!.id)).toContain(second!.id)
    expect(await json('drains:list')).toEqual([])
  },
})

let received = ''
const server = createServer((socket) => {
  socket.setEncoding('utf8').on('data', (text: string) => (received += text))
  socket.on('error', () => undefined)
})
afterAll(() => void server.close())

/** The URL of a syslog receiver. */
async function receiver(): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `syslog://127.0.0.1:${(server.address() as AddressInfo).port}`
}

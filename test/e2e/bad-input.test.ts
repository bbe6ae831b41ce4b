import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commands } from '../../src/commands/registry.ts'
import { hostOf, get, paas, paasJson } from '../support/instance.ts'
import { appName, type Clone, createLaptop } from '../support/laptop.ts'
import { type Finished } from '../support/process.ts'

const app = appName('input')
const laptop = await createLaptop('input')
afterAll(() => laptop[Symbol.asyncDispose]())
let clone: Clone
beforeAll(async () => {
  clone = await laptop.clone(app)
  await clone.deploy()
})

/** A refusal: its code, one sentence on stderr, nothing on stdout, and no trace of how it was found. */
function expectRefusal({ code, stdout, stderr }: Finished, codes: number[]): void {
  expect(codes).toContain(code)
  expect(stdout).toBe('')
  // Others may be at work on the same app.
  expect(stderr.replace(/^-----> Waiting for .*\n/gm, '')).toMatch(/^ !     \S/)
  expect(stderr).not.toMatch(/ at .*\.[cjt]s:\d+|INTERNAL|ZodError/)
}

/** A few at a time: each is a process. */
async function eachOf<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const work = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await task(item)
  }
  await Promise.all(Array.from({ length: 4 }, work))
}

describe('names', () => {
  const wrong = ['', 'UPPER', 'a b', '-x', 'x-', 'ä', '../x', 'a'.repeat(64), 'x.y', "x'", '$(id)', 'a\nb']
  test.each(wrong)('%j cannot be the name of an app', async (name) => {
    expectRefusal(await paas(['apps:create', '--', name]), [2, 1])
  })

  test('every command that takes an app refuses one that is not there, and one that cannot be', async () => {
    const taking = commands.filter((command) => command.app !== 'none').map(({ name }) => name)
    expect(taking.length).toBeGreaterThan(15)
    const refuses = async (name: string, bad: string, codes: number[]): Promise<void> => {
      const refused = await paas([name, '-a', bad])
      expect(codes, `${name} -a ${bad}: ${refused.output}`).toContain(refused.code)
      expect(refused.stderr, name).not.toMatch(/INTERNAL| at .*\.[cjt]s:\d+/)
    }
    await eachOf(taking, async (name) => {
      // It looks at a folder, which need not be an app's yet.
      if (name !== 'buildpacks:detect') await refuses(name, 'nobody-here', [3, 2])
      await refuses(name, 'Not A Name', [3, 2, 1])
    })
  })
})

describe('config vars', () => {
  test.each(['NOEQUALS', '=value', '1A=x', 'A B=x', 'A-B=x', 'ÄÖ=x', '__proto__=x', ''])(
    'config:set %j is refused',
    async (pair) => {
      expectRefusal(await paas(['config:set', '-a', app, '--', pair]), [2, 1])
    },
  )

  test('a malformed pair never repeats what may be a secret', async () => {
    const refused = await paas(['config:set', '-a', app, 'MY KEY=very-secret'])
    expect(refused.output).not.toContain('very-secret')
  })

  test('a value of 1 MiB is refused with the limit, from stdin or a file', async () => {
    const input = 'x'.repeat(1024 * 1024)
    const sent = await paas(['config:set', '-a', app, 'BIG=@-'], { input })
    expectRefusal(sent, [1, 2])
    expect(sent.stderr).toMatch(/BIG has 1048576 bytes; the system takes at most 131\d\d\d/)
    await writeFile(join(laptop.folder, 'big'), input)
    const file = await laptop.paas(['config:set', 'BIG=@../big'], { cwd: clone.folder })
    expect(file.stderr).toMatch(/the system takes at most/)
    const listed = await paasJson<unknown>('config:list', '-a', app)
    expect(JSON.stringify(listed)).not.toContain('BIG')
  })

  const values: Record<string, string> = {
    EMPTY: '',
    SPACES: '  two  ',
    UNICODE: 'grüße 🚀 日本語 \u0301',
    QUOTES: `'single' "double" \`back\` \\ $HOME $(id) %s`,
    LINES: 'one\ntwo\r\nthree\n',
    DASH: '--not-a-flag',
    EQUALS: 'a=b=c',
    CONTROL: 'tab\tbell\u0007escape\u001b[31m',
    LARGE: 'y'.repeat(100 * 1024),
  }

  test('values reach the process to the byte, from a laptop as from the server', async () => {
    const pairs = Object.entries(values).map(([name, value]) => `${name}=${value}`)
    const [first, ...others] = pairs
    expect((await paas(['config:set', '-a', app, '--', first!])).code).toBe(0)
    const set = await laptop.paas(['config:set', '--', ...others], { cwd: clone.folder })
    expect(set.output).not.toMatch(/ !  /)
    const found = JSON.parse((await get(hostOf(app), '/environment')).body) as Record<string, string>
    for (const [name, value] of Object.entries(values)) expect(found[name], name).toBe(value)
    expect((await paas(['config:get', '-a', app, 'LINES'])).stdout).toBe(`${values['LINES']}\n`)
  })
})

/** Exit codes: 2 for what cannot be meant, 3 for what is not there; the command without its `-a APP`. */
const refused: [code: number, ...words: string[]][] = [
  [2, 'scale', 'web'],
  [2, 'scale', 'web='],
  [2, 'scale', 'web=-1'],
  [2, 'scale', 'web=1.5'],
  [2, 'scale', 'web=1000000'],
  [3, 'scale', 'nothing=1'],
  [3, 'scale', 'release=1'],
  [2, 'ps', '--no-such-flag'],
  ...['stop', 'start', 'restart'].flatMap((verb): typeof refused => [
    [3, `ps:${verb}`, 'nothing'],
    [3, `ps:${verb}`, 'web.9'],
  ]),
  [2, 'ps:exec'],
  [3, 'ps:exec', 'nothing', '--', 'true'],
  [3, 'ps:exec', 'web.9', '--', 'true'],
  [2, 'ps:type', 'web'],
  [2, 'ps:type', '--cpus', '1'],
  [2, 'ps:type', 'web=15m'],
  [2, 'ps:type', 'web=512'],
  [2, 'ps:type', 'web=999999g'],
  [2, 'ps:type', 'web', '--cpus', '1000'],
  [2, 'ps:type', 'web', '--cpus', '0'],
  [2, 'ps:type', 'web', '--pids', '1'],
  [2, 'ps:type', 'web=default', '--cpus', '1'],
  [3, 'ps:type', 'nothing=512m'],
  [3, 'ps:type', 'nothing=default'],
  [3, 'ps:type', 'cron-nothing=64m'],
  [2, 'checks:set'],
  [2, 'checks:set', 'web'],
  [2, 'checks:set', '--path', '/facts'],
  [3, 'checks:set', 'nothing', '--path', '/facts'],
  [3, 'checks:set', 'nothing', '--default'],
  [3, 'checks:set', 'release', '--skip'],
  [2, 'checks:set', 'web', '--skip', '--default'],
  [2, 'checks:set', 'web', '--skip', '--attempts', '3'],
  [2, 'checks:set', 'web', '--default', '--liveness'],
  [2, 'checks:set', 'web', '--path', '/facts', '--skip'],
  [2, 'checks:set', 'web', '--path', '/facts', '--command', 'true'],
  [2, 'checks:set', 'web', '--path', '/facts', '--uptime', '1'],
  [2, 'checks:set', 'web', '--command', 'true', '--status', '200'],
  [2, 'checks:set', 'web', '--content', 'version'],
  [2, 'checks:set', 'web', '--path', 'facts'],
  [2, 'checks:set', 'web', '--path', '/facts', '--attempts', '0'],
  [2, 'checks:set', 'web', '--path', '/facts', '--wait', '-1'],
  [2, 'checks:set', 'web', '--stop-timeout', '5'],
  [2, 'checks:set', '--wait-to-retire', '3601'],
  [2, 'run'],
  [2, 'run', '-e', 'NOEQUALS', '--', 'true'],
  [2, 'run:detached'],
  [2, 'run:stop'],
  [3, 'run:stop', 'run.1'],
  ...['run', 'logs', 'pause', 'resume'].flatMap((verb): typeof refused => [
    [2, `cron:${verb}`],
    [3, `cron:${verb}`, 'nothing'],
  ]),
  [3, 'logs', '-t', 'NONSENSE'],
  [3, 'logs', '-t', 'nothing.1', '-f'],
  [3, 'logs', '-t', 'cron-nothing'],
  [2, 'logs', '-n', '-1'],
  [2, 'logs', '--since', 'tomorrow'],
  [2, 'drains:add', 'nonsense'],
  [2, 'drains:add', 'syslog://127.0.0.1'],
  [3, 'drains:remove', 'd000000000000000'],
  [2, 'releases', '-n', 'all'],
  [3, 'releases:info', 'v999'],
  [2, 'releases:info', 'newest'],
  [2, 'releases:diff'],
  [3, 'releases:diff', 'v1', 'v999'],
  [2, 'releases:set'],
  [2, 'releases:set', '--keep', '0'],
  [3, 'rollback', 'v999'],
  [2, 'rollback', 'v0'],
  [2, 'rollback', '--code-only', '--config-only'],
  [2, 'builds', '-n', 'x'],
  [3, 'builds:log', 'nothing'],
  [3, 'builds:cancel'],
  [3, 'builds:cancel', 'nothing'],
  [2, 'builds:clear-cache', 'everything'],
  [2, 'builds:set', '--concurrency', '0'],
  [2, 'builds:set', '--timeout', 'never'],
  [2, 'builds:set', '--memory', '1m'],
  [2, 'builds:set', '--memory', '999999g'],
  [2, 'builds:set', '--cpus', '1000'],
  [3, 'deploy', 'nothing'],
  [2, 'deploy', '-'],
  [1, 'deploy', '--plan', '-'],
  [2, 'git:from-image'],
  [2, 'git:from-image', 'NOT AN IMAGE'],
  [2, 'disk', 'everything'],
  [2, 'disk:set'],
  [2, 'disk:set', '--image-budget', '5'],
  [2, 'config:set'],
  [2, 'config:unset', 'A B'],
  [3, 'config:get', 'NOTHING'],
  [2, 'config:export', '--format', 'xml'],
  [2, 'config:import', '/nonexistent'],
  [2, 'config:edit'],
  [2, 'apps:lock'],
  [2, 'apps:lock', ' '],
  [2, 'apps:unlock', 'please'],
  [2, 'apps:rename', 'UPPER'],
  [2, 'apps:destroy', '--confirm', 'another'],
  [2, 'domains:add', 'not a host'],
  [2, 'domains:add', '10.0.0.1'],
  [3, 'domains:remove', 'never-added.example.com'],
  [2, 'keys:add', 'x', '/dev/null'],
  [3, 'keys:remove', 'nobody-at-all'],
  [2, 'no:such-command'],
]

test('what cannot be meant and what is not there is refused, and changes nothing', async () => {
  const before = await paasJson<unknown>('apps:info', '-a', app)
  await eachOf(refused, async ([code, command, ...words]) => {
    const end = await paas([command!, '-a', app, ...words], { input: 'no tar' })
    expect(end.code, `${command} ${words.join(' ')}: ${end.output}`).toBe(code)
    expectRefusal(end, [code])
  })
  expect(await paasJson<unknown>('apps:info', '-a', app)).toEqual(before)
  expect((await get(hostOf(app), '/facts')).status).toBe(200)
})

test('a refusal says what there is', async () => {
  const says = async (pattern: RegExp, ...words: string[]): Promise<void> => {
    expect((await paas(words)).stderr).toMatch(pattern)
  }
  await says(/There are: web, build, .*router/, 'logs', '-a', app, '-t', 'NONSENSE')
  await says(/It has: web, run, .*Procfile/, 'ps:type', '-a', app, 'nothing=512m')
  await says(/the server has \d+ MiB[^]*At most \d+m/, 'ps:type', '-a', app, 'web=999999g')
  await says(/the server has \d+[^]*At most \d+\./, 'builds:set', '--cpus', '1000')
  await says(/leave out web/, 'checks:set', '-a', app, 'web', '--stop-timeout', '5')
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hostOf, get, paas, paasJson, paths } from '../support/instance.ts'
import { appName, type Clone, createLaptop } from '../support/laptop.ts'
import { type Finished, mustRun } from '../support/process.ts'

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
  expect(stderr).toMatch(/^ !     \S/)
  expect(stderr).not.toMatch(/ at .*\.[cjt]s:\d+|INTERNAL|ZodError/)
}

describe('names', async () => {
  const wrong = ['', 'UPPER', 'a b', '-x', 'x-', 'ä', '../x', 'a'.repeat(64), 'x.y', "x'", '$(id)', 'a\nb']
  test.each(wrong)('%j cannot be the name of an app', async (name) => {
    expectRefusal(await paas(['apps:create', '--', name]), [2, 1])
  })

  test('every command that takes an app refuses one that is not there, and one that cannot be', async () => {
    const help = await mustRun(paths.launcher, ['help'])
    const names = [...help.matchAll(/^ {2}([a-z-]+:[a-z-]+) /gm)].map((match) => match[1]!)
    expect(names.length).toBeGreaterThan(15)
    const refuses = async (name: string, bad: string, codes: number[]): Promise<void> => {
      const refused = await paas([name, '-a', bad])
      expect(codes, `${name} -a ${bad}: ${refused.output}`).toContain(refused.code)
      expect(refused.stderr, name).not.toMatch(/INTERNAL| at .*\.[cjt]s:\d+/)
    }
    // A few at a time: each is a process.
    for (let at = 0; at < names.length; at += 4) {
      await Promise.all(
        names.slice(at, at + 4).map(async (name) => {
          if (!(await paas(['help', name])).stdout.includes('--app')) return
          // It looks at a folder, which need not be an app's yet.
          if (name !== 'buildpacks:detect') await refuses(name, 'nobody-here', [3, 2])
          await refuses(name, 'Not A Name', [3, 2, 1])
        }),
      )
    }
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

test.each([
  ['scale', '-a', app, 'web'],
  ['scale', '-a', app, 'web=-1'],
  ['scale', '-a', app, 'web=1000000'],
  ['scale', '-a', app, 'nothing=1'],
  ['domains:add', '-a', app, 'not a host'],
  ['domains:add', '-a', app, '10.0.0.1'],
  ['domains:remove', '-a', app, 'never-added.example.com'],
  ['rollback', '-a', app, 'v999'],
  ['releases:info', '-a', app, 'v999'],
  ['apps:rename', '-a', app, 'UPPER'],
  ['apps:destroy', '-a', app, '--confirm', 'another'],
  ['keys:add', 'x', '/dev/null'],
  ['keys:remove', 'nobody-at-all'],
  ['no:such-command'],
  ['ps', '-a', app, '--no-such-flag'],
])('%j %j %j %j is refused', async (...words) => {
  expectRefusal(await paas(words.filter((word) => typeof word === 'string')), [1, 2, 3])
  expect((await get(hostOf(app), '/facts')).status).toBe(200)
})

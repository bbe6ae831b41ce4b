import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { authorise } from '../../../src/api/authorise.ts'
import { defineCommand } from '../../../src/commands/define.ts'
import { runCommandLine } from '../../../src/commands/program.ts'
import { commands } from '../../../src/commands/registry.ts'
import { PaasError } from '../../../src/errors/paas-error.ts'
import { type Identity, Key } from '../../../src/model/key.ts'
import { caller, recorded, type Taken } from './context.ts'

type Outcome = {
  code: number
  taken: Taken[]
  stdout: string
  stderr: string
  error?: string
  message?: string
  hint?: string | undefined
}

/** What a command line is taken as; a failure as its code, message, hint and exit code. */
async function take(argv: string[], identity?: Identity): Promise<Outcome> {
  const { commands: listed, taken } = recorded(commands, undefined)
  const { context, said } = caller(identity)
  try {
    // The recorded commands have no result of their own shape to print.
    const silent = listed.map((command) => ({ ...command, ...(command.result && { result: z.any() }) }))
    return { code: await runCommandLine(silent, argv, context, authorise), taken, ...said }
  } catch (error) {
    if (!(error instanceof PaasError)) throw error
    const { code: error_, message, hint, exitCode } = error
    return { code: exitCode, error: error_, message, hint, taken, ...said }
  }
}

describe('a command line', () => {
  test.each<[string[], string, object]>([
    [['ps'], 'no app', { code: 2, hint: expect.stringContaining('paas ps:list -a APP') as string }],
    [['config:list', '-a', 'nope'], 'unknown app', { code: 3, error: 'APP_NOT_FOUND' }],
    [
      ['config:list', '-a', '../etc'],
      'name that is none',
      { code: 3, message: 'There is no app named "../etc".' },
    ],
    [['config:list', '-a', ''], 'empty name', { code: 3 }],
    [
      ['config:list', '-a'],
      'flag without value',
      { code: 2, message: expect.stringContaining('argument missing') as string },
    ],
    [
      ['apps:lst'],
      'misspelt command',
      { code: 2, error: 'UNKNOWN_COMMAND', hint: 'Did you mean apps:list?' },
    ],
    [
      ['apps:list', 'extra'],
      'too much',
      { code: 2, message: "Too many arguments for 'apps:list'. Expected 0 arguments but got 1." },
    ],
    [
      ['apps:create', 'Big_Name'],
      'bad name',
      { code: 2, message: expect.stringMatching(/^name: an app name has/) as string },
    ],
    [['apps:create', '--nmae', 'x'], 'unknown flag', { code: 2, message: 'Unknown option --nmae.' }],
    [['config:set', '-a', 'blog'], 'no pair', { code: 2 }],
    [['config:get', '-a', 'blog', '1A'], 'bad config name', { code: 2 }],
    [['config:get', '-a', 'blog', '__proto__'], 'config name that cannot be', { code: 2 }],
    [
      ['domains:add', '-a', 'blog', '10.0.0.1'],
      'address',
      { code: 2, message: 'domains: a domain is a name, not an IP address.' },
    ],
    [['domains:add', '-a', 'blog', '*'], 'bare wildcard', { code: 2 }],
    [
      ['releases', '-a', 'blog', '-n', 'many'],
      'no number',
      { code: 2, message: expect.stringMatching(/^--lines: give a whole number/) as string },
    ],
    [
      ['rollback', '-a', 'blog', 'v0'],
      'no version',
      { code: 2, message: expect.stringContaining('v12') as string },
    ],
    [
      ['domains:clear', '-a', 'blog'],
      'Dokku’s command',
      { code: 2, hint: 'By name: paas domains:remove -a APP DOMAINS…' },
    ],
    [
      ['logs', '-a', 'blog', '--tail'],
      'Heroku’s flag',
      { code: 2, message: 'Unknown option --tail.', hint: 'paas logs -a APP -f' },
    ],
    [
      ['config', '-s', '-a', 'blog'],
      'Heroku’s flag of an alias',
      { hint: expect.stringContaining('shell') as string },
    ],
    [['logs', 'blog'], 'Dokku’s place of the app', { hint: 'The app is named with -a: paas logs -a APP' }],
    [['ps', '-a', 'blog', 'web'], 'too much beside the app', { hint: 'See paas help ps.' }],
    [
      ['-a', 'blog', 'ps'],
      'a flag in the command’s place',
      { hint: 'The command comes first: paas COMMAND -a' },
    ],
    [['cron:nonsense'], 'none of a topic', { hint: 'See paas help cron.' }],
    [
      ['config:export', '-a', 'blog', '--format', 'xml'],
      'no such format',
      { message: '--format: give one of dotenv, shell, json.' },
    ],
    [['ps:type', '-a', 'blog', 'web', '--cpus', 'abc'], 'no number', { message: '--cpus: give a number.' }],
    [['ps:type', '-a', 'blog', 'web', '--pids', '1'], 'too small', { message: '--pids: give at least 16.' }],
    [
      ['checks:set', '-a', 'blog', 'web', '--attempts', '0'],
      'too small',
      { message: '--attempts: give at least 1.' },
    ],
    [
      ['checks:set', '-a', 'blog', '--wait-to-retire', '9999'],
      'more than can be stored',
      { message: '--wait-to-retire: give at most 3600.' },
    ],
    [['releases:set', '-a', 'blog'], 'a flag that is needed', { message: '--keep: it is needed.' }],
    [['help', 'nonsense'], 'help for nothing', { code: 2, error: 'UNKNOWN_COMMAND' }],
  ])('%j: %s', async (argv, _what, wanted) => {
    const result = await take(argv)
    expect(result).toMatchObject({ ...wanted, stdout: '', taken: [] })
  })

  test.each<[string[], object]>([
    [['config', '-a', 'blog'], { command: 'config:list', app: 'blog', flags: { reveal: false } }],
    [['config', '--reveal', '--app=blog'], { command: 'config:list', app: 'blog', flags: { reveal: true } }],
    [
      ['config:set', '-a', 'blog', '--no-restart', 'A=1', 'B=-x'],
      { args: { pairs: ['A=1', 'B=-x'] }, flags: { noRestart: true } },
    ],
    [['config:set', 'A=1', '-a', 'blog'], { args: { pairs: ['A=1'] }, flags: { noRestart: false } }],
    [['config:set', '-a', 'blog', '--', '--A=1'], { args: { pairs: ['--A=1'] } }],
    [['apps:list', '-a', 'anything'], { command: 'apps:list', app: undefined }],
    [['ps:scale', '-a', 'blog', 'web=2'], { command: 'scale', args: { quantities: ['web=2'] } }],
    [['scale', '-a', 'blog'], { command: 'scale', args: { quantities: [] } }],
    [['releases', '-a', 'blog', '-n', '3'], { command: 'releases:list', flags: { lines: 3 } }],
    [
      ['rollback', '-a', 'blog', 'v12', '--code-only'],
      { args: { version: 12 }, flags: { codeOnly: true, configOnly: false } },
    ],
    [
      ['domains:add', '-a', 'blog', 'WWW.Example.com.', '*.example.com'],
      { args: { domains: ['www.example.com', '*.example.com'] } },
    ],
    [['--version'], { command: 'version' }],
  ])('%j is taken as meant', async (argv, wanted) => {
    const { taken, code } = await take(argv)
    expect(code).toBe(0)
    expect(taken).toMatchObject([wanted])
  })

  test('of 1 MiB, unicode, quotes and line breaks comes through to the byte', async () => {
    for (const value of [
      'x'.repeat(1024 * 1024),
      'é😀\u{1F468}\u200D\u{1F469}',
      `a"b'c\\d`,
      'one\ntwo\r\n',
      '',
    ]) {
      const { taken } = await take(['config:set', '-a', 'blog', `A=${value}`])
      expect(taken[0]!.args).toEqual({ pairs: [`A=${value}`] })
    }
  })
})

describe('what may be a secret is not repeated', () => {
  test.each([
    [['config:set', '-a', 'blog', 'A=1', '--password=hunter2']],
    [['config:set', '-a', 'blog', 'A=1', '--password=x\nhunter2']],
    [['config:set', '-a', 'blog', 'A=1', '-phunter2']],
    [['config:get', '-a', 'blog', 'A', 'hunter2']],
    [['config:get', '-a', 'blog', 'A', 'but got 1: hunter2']],
    [['SECRET=hunter2']],
    [['scale', '-a', 'blog', '--type', 'hunter2']],
    [['config:get', '-a', 'blog', 'hunter2 is not a name']],
  ])('%j', async (argv) => {
    const result = await take(argv)
    expect(result.code).toBe(2)
    expect(JSON.stringify([result.message, result.hint, result.stdout, result.stderr])).not.toContain(
      'hunter2',
    )
  })
})

describe('help', () => {
  test.each([[[]], [['help']], [['--help']], [['-h']], [['help', '--app', 'blog']]])(
    '%j is the overview',
    async (argv) => {
      const { code, stdout, taken } = await take(argv)
      expect([code, taken]).toEqual([0, []])
      expect(stdout).toMatch(/^Usage: paas COMMAND/)
      for (const { name } of commands) expect(stdout).toContain(`  ${name} `)
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThan(110)
    },
  )

  test.each([[['help', 'config']], [['config', '--help']], [['config', '-h']]])(
    '%j is the topic with examples',
    async (argv) => {
      const { code, stdout } = await take(argv)
      expect(code).toBe(0)
      expect(stdout).toMatch(/config:get.*config:set.*config:unset.*Examples:.*paas config:set -a blog/s)
      expect(stdout).not.toContain('apps:create')
    },
  )

  test.each(commands.map(({ name }) => [name]))('of %s is on stdout with its examples', async (name) => {
    const command = commands.find((one) => one.name === name)!
    for (const argv of [
      ['help', name],
      [name, '--help'],
    ]) {
      const { code, stdout, taken } = await take(argv)
      // The name of a command that is also a topic's stands for the topic.
      if (stdout.includes('Examples:\n') && !stdout.startsWith('Usage')) continue
      expect([code, taken]).toEqual([0, []])
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(command.examples[0])
      expect(stdout).toContain('Usage: paas')
    }
  })
})

describe('results', () => {
  const pair = defineCommand({
    name: 'pair',
    summary: 'show a pair',
    examples: ['paas pair'],
    access: 'read',
    app: 'none',
    result: z.object({ left: z.int(), right: z.string().nullable() }),
    run: async () => ({ left: 1, right: null, secret: 'not in the schema' }),
    render: ({ left }) => `left is ${left}\n`,
    exitCode: ({ left }) => left,
  })

  test('are text for people and JSON of the declared shape, with the exit code that they mean', async () => {
    const [plain, json] = [caller(), caller()]
    expect(await runCommandLine([pair], ['pair'], plain.context, authorise)).toBe(1)
    expect(await runCommandLine([pair], ['pair', '--json'], json.context, authorise)).toBe(1)
    expect(plain.said).toEqual({ stdout: 'left is 1\n', stderr: '' })
    expect(JSON.parse(json.said.stdout)).toEqual({ left: 1, right: null })
  })

  test('that are nothing to see say so, at a terminal and beside the result only', async () => {
    const none = { ...pair, render: () => '', whenEmpty: 'There is none: paas pair', exitCode: () => 0 }
    const tty = { stdin: true, stdout: true, stderr: true }
    for (const [argv, at, wanted] of [
      [['pair'], tty, '       There is none: paas pair\n'],
      [['pair'], { ...tty, stderr: false }, ''],
      [['pair', '--json'], tty, ''],
    ] as const) {
      const { context, said } = caller()
      const io = { ...context.io, terminal: { ...context.io.terminal, tty: at } }
      await runCommandLine([none], [...argv], { ...context, io }, authorise)
      expect([said.stderr, said.stdout === '']).toEqual([wanted, argv.length === 1])
    }
  })
})

describe('authorisation comes before anything is looked up', () => {
  const key = (role: Key['role'], apps?: string[]): Identity => ({
    via: 'ssh',
    key: Key.parse({
      id: 'k00000000000000a',
      name: 'alice',
      fingerprint: 'SHA256:x',
      publicKey: 'ssh-ed25519 AAAA',
      role,
      ...(apps && { apps }),
      createdAt: '2026-11-20T12:00:00.000Z',
    }),
  })

  test.each<[string, string[], Identity, number]>([
    ['a reader lists', ['apps'], key('read'), 0],
    ['a reader sets no config', ['config:set', '-a', 'blog', 'A=1'], key('read'), 4],
    ['a reader sees no values', ['config', '-a', 'blog', '--reveal'], key('read'), 4],
    ['a deployer destroys nothing', ['apps:destroy', '-a', 'blog'], key('deploy'), 4],
    ['a manager is no admin', ['doctor'], key('manage'), 4],
    ['a key of one app uses it', ['ps', '-a', 'blog'], key('deploy', ['blog']), 0],
    ['and no other', ['ps', '-a', 'shop'], key('deploy', ['blog']), 4],
    ['and cannot tell whether there is another', ['ps', '-a', 'nope'], key('deploy', ['blog']), 4],
  ])('%s', async (_what, argv, identity, code) => {
    expect((await take(argv, identity)).code).toBe(code)
  })
})

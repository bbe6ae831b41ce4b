import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { authorise } from '../../../src/api/authorise.ts'
import { runCommandLine } from '../../../src/commands/program.ts'
import { commands } from '../../../src/commands/registry.ts'
import { PaasError } from '../../../src/errors/paas-error.ts'
import { type Identity, Key } from '../../../src/model/key.ts'
import { platformWithoutEngine } from '../../support/platform.ts'
import { eventually } from '../../support/process.ts'
import { startState, type State } from '../../support/redis.ts'
import { caller } from '../../unit/commands/context.ts'

let state: State
beforeAll(async () => {
  state = await startState()
})
afterAll(() => state[Symbol.asyncDispose]())
beforeEach(async () => {
  const [, names] = await state.redis.scan(0, 'COUNT', 10_000)
  if (names.length > 0) await state.redis.del(names)
})

/** Runs a command line as the controller does. */
async function paas(
  argv: string[],
  identity?: Identity,
): Promise<{ code: number; stdout: string; problem: string }> {
  const { context, said } = caller(identity)
  const whole = { ...context, platform: (platform ??= platformWithoutEngine(state)) }
  try {
    const code = await runCommandLine(commands, argv, whole, authorise)
    return { code, stdout: said.stdout, problem: said.stderr }
  } catch (error) {
    if (!(error instanceof PaasError)) throw error
    return { code: error.exitCode, stdout: said.stdout, problem: `${error.message}\n${error.hint ?? ''}` }
  }
}
let platform: ReturnType<typeof platformWithoutEngine> | undefined

const json = async <T>(...argv: string[]): Promise<T> =>
  JSON.parse((await paas([...argv, '--json'])).stdout) as T

describe('apps', () => {
  test('are made once, also when twenty ask at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => paas(['apps:create', 'blog'])))
    expect(all.map(({ code }) => code).sort()).toEqual([0, ...Array<number>(19).fill(1)])
    expect((await paas(['apps'])).stdout).toBe('blog\n')
  })

  test('get a name where none is given', async () => {
    const { name, url } = await json<{ name: string; url: string }>('apps:create')
    expect(name).toMatch(/^[a-z]+-[a-z]+-\d+$/)
    expect(url).toBe(`http://${name}.paas.test`)
  })

  test.each([
    '',
    'Blog',
    'a_b',
    '-a',
    'a-',
    'a.b',
    '../a',
    'a b',
    'a\nb',
    'é',
    'x'.repeat(64),
    'a;id',
    '$(id)',
    '--',
    '%2e',
  ])('cannot be named %j', async (name) => {
    const { code, stdout } = await paas(['apps:create', '--', name])
    expect([code, stdout]).toEqual([2, ''])
    expect(await state.store.apps.list()).toEqual([])
  })

  test('that wait for another change say for whom, and an interrupt takes it back', async () => {
    await paas(['apps:create', 'blog'])
    const { queues, store } = platform!
    const [app] = await store.apps.list()
    const push = Promise.withResolvers<void>()
    const pushing = queues.run(app!.id, { owner: 'alice', verb: 'git push' }, () => push.promise)
    const { context, said } = caller()
    const interrupt = new AbortController()
    const destroying = runCommandLine(
      commands,
      ['apps:destroy', '-a', 'blog', '--confirm', 'blog'],
      { ...context, platform: platform!, signal: interrupt.signal },
      authorise,
    )
    await eventually('it says so', 5000, async () => said.stderr.includes('Waiting for git push by alice'))
    interrupt.abort()
    await expect(destroying).rejects.toThrow()
    push.resolve()
    await pushing
    expect((await paas(['apps'])).stdout).toBe('blog\n')
  })

  test('are renamed with their host, and the old name is free', async () => {
    await paas(['apps:create', 'blog'])
    await paas(['domains:add', '-a', 'blog', 'www.example.com'])
    expect((await paas(['apps:rename', '-a', 'blog', 'journal'])).code).toBe(0)
    expect((await paas(['domains', '-a', 'journal'])).stdout).toBe('journal.paas.test\nwww.example.com\n')
    expect((await paas(['apps:info', '-a', 'blog'])).code).toBe(3)
    expect((await paas(['apps:create', 'blog'])).code).toBe(0)
    expect(await paas(['apps:rename', '-a', 'journal', 'blog'])).toMatchObject({
      code: 1,
      problem: expect.stringContaining('taken') as string,
    })
    // Before the first release there is nothing to route to.
    expect(await state.store.routes.all()).toEqual([])
  })

  test('are renamed for the keys that were given them', async () => {
    await paas(['apps:create', 'blog'])
    await state.store.sshKeys.save(scoped(['blog']).key)
    await paas(['apps:rename', '-a', 'blog', 'journal'])
    expect((await state.store.sshKeys.list())[0]?.apps).toEqual(['journal'])
  })

  test('of others are not seen by a key of some', async () => {
    for (const name of ['blog', 'shop']) await paas(['apps:create', name])
    expect((await paas(['apps'], scoped(['shop']))).stdout).toBe('shop\n')
    const [other, none] = [
      await paas(['ps', '-a', 'blog'], scoped(['shop'])),
      await paas(['ps', '-a', 'gone'], scoped(['shop'])),
    ]
    expect([other.code, other.problem.replace('blog', 'X')]).toEqual([4, none.problem.replace('gone', 'X')])
  })

  test('are destroyed only by their name', async () => {
    await paas(['apps:create', 'blog'])
    expect((await paas(['apps:destroy', '-a', 'blog'])).code).toBe(2)
    expect((await paas(['apps:destroy', '-a', 'blog', '--confirm', 'blo'])).code).toBe(2)
    expect((await paas(['apps'])).stdout).toBe('blog\n')
  })
})

describe('config', () => {
  beforeEach(() => paas(['apps:create', 'blog']))

  test.each([
    ['empty', ''],
    ['spaces', '  a  b  '],
    ['quotes and a backslash', `"a" 'b' \\`],
    ['line breaks', 'one\ntwo\r\nthree\n'],
    ['unicode', 'é 😀 \u{1F468}\u200D\u{1F469}\u200D\u{1F467} \u202E'],
    ['an equals sign', 'a=b==c'],
    ['what a shell would expand', '$HOME `id` $(id) * ~'],
    ['control characters', '\u0001\u001b[31m\u007f'],
    ['100 KiB', 'x'.repeat(100 * 1024)],
  ])('keeps a value of %s to the byte', async (_what, value) => {
    expect((await paas(['config:set', '-a', 'blog', `V=${value}`])).code).toBe(0)
    expect((await paas(['config:get', '-a', 'blog', 'V'])).stdout).toBe(`${value}\n`)
  })

  test.each([
    ['1 MiB', 'x'.repeat(1024 * 1024), /The value of V has 1048576 bytes; the system takes at most 131069/],
    ['a NUL byte', 'a\0b', /NUL byte/],
  ])('refuses a value of %s, and says why', async (_what, value, wanted) => {
    const { code, problem } = await paas(['config:set', '-a', 'blog', `V=${value}`])
    expect(code).toBe(2)
    expect(problem).toMatch(wanted)
    expect(problem.length).toBeLessThan(400)
    expect(await json('config', '-a', 'blog')).toEqual([])
  })

  test('refuses more than an environment carries, though each value would fit', async () => {
    const pairs = Array.from({ length: 11 }, (_, i) => `V${i}=${'x'.repeat(100_000)}`)
    expect(await paas(['config:set', '-a', 'blog', ...pairs])).toMatchObject({
      code: 2,
      problem: expect.stringMatching(/All config vars together/) as string,
    })
  })

  test.each([
    ['hunter2'],
    ['=hunter2'],
    ['9A=hunter2'],
    ['A-B=hunter2'],
    ['é=hunter2'],
    [' A=hunter2'],
    ['__proto__=hunter2'],
  ])('refuses %j without repeating it, and sets none of the others', async (pair) => {
    const { code, problem } = await paas(['config:set', '-a', 'blog', 'GOOD=1', pair])
    expect(code).toBe(2)
    expect(problem).toContain('Pair 2')
    expect(problem).not.toContain('hunter2')
    expect(await json('config', '-a', 'blog')).toEqual([])
  })

  test('hides values until they are asked for', async () => {
    await paas(['config:set', '-a', 'blog', 'SECRET=hunter2'])
    for (const argv of [
      ['config', '-a', 'blog'],
      ['config', '-a', 'blog', '--json'],
      ['apps:info', '-a', 'blog', '--json'],
    ]) {
      expect((await paas(argv)).stdout).not.toContain('hunter2')
    }
    expect((await paas(['config', '-a', 'blog', '--reveal'])).stdout).toContain('hunter2')
  })

  test('a second run changes nothing and says so', async () => {
    await paas(['config:set', '-a', 'blog', 'A=1'])
    expect((await paas(['config:set', '-a', 'blog', 'A=1'])).stdout).toMatch(/so already/)
    await paas(['config:unset', '-a', 'blog', 'A'])
    expect((await paas(['config:unset', '-a', 'blog', 'A'])).stdout).toMatch(/so already/)
    expect((await paas(['config:get', '-a', 'blog', 'A'])).code).toBe(3)
  })

  test('names that every object has are names like others', async () => {
    await paas(['config:set', '-a', 'blog', 'constructor=1', 'toString=2'])
    expect((await paas(['config:get', '-a', 'blog', 'toString'])).stdout).toBe('2\n')
    expect((await paas(['config:get', '-a', 'blog', 'valueOf'])).code).toBe(3)
    await paas(['config:unset', '-a', 'blog', 'constructor'])
    expect((await paas(['config', '-a', 'blog', '--reveal'])).stdout).toMatch(/^toString:\s+2/)
  })

  test('many changes at once are all there in the end', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => paas(['config:set', '-a', 'blog', `V${i}=${i}`])))
    expect(await json<unknown[]>('config', '-a', 'blog')).toHaveLength(20)
  })
})

describe('domains', () => {
  beforeEach(async () => {
    for (const name of ['blog', 'shop']) await paas(['apps:create', name])
  })

  test('are kept in lower case, once, the app’s own host first', async () => {
    await paas(['domains:add', '-a', 'blog', 'WWW.Example.com', 'www.example.com.', '*.example.com'])
    await paas(['domains:add', '-a', 'blog', 'www.example.com', 'blog.paas.test'])
    expect((await paas(['domains', '-a', 'blog'])).stdout).toBe(
      'blog.paas.test\nwww.example.com\n*.example.com\n',
    )
  })

  test.each([['www.example.com'], ['blog.paas.test']])(
    '%s of another app is refused, with all that came with it',
    async (taken) => {
      await paas(['domains:add', '-a', 'blog', 'www.example.com'])
      expect(await paas(['domains:add', '-a', 'shop', 'free.example.com', taken])).toMatchObject({ code: 1 })
      expect((await paas(['domains', '-a', 'shop'])).stdout).toBe('shop.paas.test\n')
    },
  )

  test('of two apps that ask for the same one gets it', async () => {
    const asked = ['blog', 'shop'].map((name) => paas(['domains:add', '-a', name, 'www.example.com']))
    expect((await Promise.all(asked)).map(({ code }) => code).sort()).toEqual([0, 1])
  })

  test('the host of a name that another app has as a domain cannot be taken by a new app', async () => {
    await paas(['domains:add', '-a', 'blog', 'new.paas.test'])
    expect((await paas(['apps:create', 'new'])).code).toBe(1)
    expect((await paas(['apps:rename', '-a', 'shop', 'new'])).code).toBe(1)
  })

  test.each([
    '',
    '*',
    '*.',
    'a..b',
    '-a.b',
    'a b',
    '10.0.0.1',
    '[::1]',
    'a/b',
    'http://a.b',
    'a.b:80',
    'é.com',
    'a.*.b',
    '*.a.b.c.d.example.com',
    `${'x'.repeat(64)}.com`,
    `${'a.'.repeat(127)}com`,
  ])('%j is none', async (domain) => {
    expect((await paas(['domains:add', '-a', 'blog', '--', domain])).code).toBe(2)
    expect((await paas(['domains', '-a', 'blog'])).stdout).toBe('blog.paas.test\n')
  })

  test('one that the app does not have cannot be removed, and then none is', async () => {
    await paas(['domains:add', '-a', 'blog', 'a.example.com'])
    expect((await paas(['domains:remove', '-a', 'blog', 'a.example.com', 'b.example.com'])).code).toBe(3)
    expect((await paas(['domains', '-a', 'blog'])).stdout).toContain('a.example.com')
    expect((await paas(['domains:remove', '-a', 'blog', 'blog.paas.test'])).code).toBe(3)
  })
})

describe('before the first release', () => {
  beforeEach(() => paas(['apps:create', 'blog']))

  test('a formation is noted', async () => {
    expect((await paas(['scale', '-a', 'blog', 'web=2', 'worker=3'])).code).toBe(0)
    expect((await paas(['scale', '-a', 'blog'])).stdout).toBe('web:     2\nworker:  3\n')
  })

  test.each([
    ['web'],
    ['web='],
    ['web=-1'],
    ['web=1.5'],
    ['web=101'],
    ['web=1e3'],
    ['Web=1'],
    ['=1'],
    ['web=1=2'],
    ['we b=1'],
    ['web=９'],
  ])('scale %j is refused', async (pair) => {
    expect((await paas(['scale', '-a', 'blog', '--', 'worker=1', pair])).code).toBe(2)
    expect((await paas(['scale', '-a', 'blog'])).stdout).toBe('')
  })

  test.each([[['rollback']], [['ps:restart']], [['releases:info']], [['releases:info', 'v1']]])(
    '%j says that there is none',
    async (argv) => {
      expect((await paas([...argv, '-a', 'blog'])).code).toBe(3)
    },
  )

  test('releases are an empty list', async () => {
    expect(await json('releases', '-a', 'blog')).toEqual([])
    expect((await paas(['releases', '-a', 'blog'])).stdout).toBe('')
  })
})

test('without Redis every command says so within three seconds, and works again when it is back', async () => {
  await paas(['apps:create', 'blog'])
  await state.kill()
  const began = performance.now()
  for (const argv of [['apps'], ['config:set', '-a', 'blog', 'A=1'], ['apps:create', 'shop']]) {
    expect(await paas(argv)).toMatchObject({
      code: 1,
      problem: expect.stringMatching(/Redis.*does not answer/) as string,
    })
  }
  expect(performance.now() - began).toBeLessThan(3000)
  await state.start()
  expect((await paas(['apps'])).stdout).toBe('blog\n')
})

function scoped(apps: string[]): Identity & { via: 'ssh' } {
  const key = Key.parse({
    id: 'k00000000000000a',
    name: 'alice',
    fingerprint: 'SHA256:x',
    publicKey: 'ssh-ed25519 AAAA',
    role: 'deploy',
    apps,
    createdAt: '2026-11-20T12:00:00.000Z',
  })
  return { via: 'ssh', key }
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { get, hostOf, instance, paas, paasJson, paths, probe } from '../support/instance.ts'
import { appName, type Clone, createLaptop, type Laptop } from '../support/laptop.ts'
import { eventually, type Finished, run, start } from '../support/process.ts'

const ann = await createLaptop('ann')
const bob = await createLaptop('bob')
const app = appName('daily')
let clone: Clone
beforeAll(async () => {
  clone = await ann.clone(app)
  await clone.deploy()
})
afterAll(async () => {
  await ann[Symbol.asyncDispose]()
  await bob[Symbol.asyncDispose]()
})

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** A line typed into a terminal of 33 lines of a laptop; `keys` are pressed after so many seconds each. */
function inTerminal(
  { env }: Laptop,
  line: string,
  options: { cwd?: string; keys?: [seconds: number, text: string][]; setUp?: string } = {},
): Promise<Finished> {
  const { cwd, keys = [], setUp = 'true' } = options
  const typed = keys.map(([seconds, text]) => `sleep ${seconds}; printf '${text}'`).join('; ') || 'true'
  const all = `stty rows 33 cols 99; ${setUp}; ${line}; echo "exit code $?"`
  return run('/bin/bash', ['-c', `(${typed}; sleep 1) | timeout 90 script -qec "$LINE" /dev/null`], {
    env: { ...env, LINE: all, SHELL: '/bin/bash' },
    ...(cwd !== undefined && { cwd }),
  })
}

/** The two ways that a laptop has to a terminal on the server: plain ssh, and paas in a clone. */
const ways: [string, (...words: string[]) => { line: string; cwd?: string }][] = [
  [
    'ssh -t',
    (...words) => ({
      line: `${ann.env['GIT_SSH_COMMAND']!} -t -p ${instance.sshPort} ${instance.user}@127.0.0.1 ${quote(
        words.map(quote).join(' '),
      )}`,
    }),
  ],
  [
    'paas in a clone',
    (...words) => ({ line: `${paths.opt}/app/bin/paas ${words.map(quote).join(' ')}`, cwd: clone.folder }),
  ],
]

describe.each(ways)('by %s', (_, way) => {
  const typed = (words: string[], options: Parameters<typeof inTerminal>[2] = {}): Promise<Finished> => {
    const { line, cwd } = way(...words)
    return inTerminal(ann, line, { ...options, ...(cwd !== undefined && { cwd }) })
  }

  test('run has a terminal: its size, its colours, and the exit code', async () => {
    const line = `stty size; [ -t 0 ] && [ -t 1 ] && printf '\\033[31mred\\033[0m\\n'; exit 5`
    const { output } = await typed(['run', '-a', app, '--', line])
    expect(output).toMatch(/33 99\r+\n/)
    expect(output).toContain('\u001b[31mred\u001b[0m')
    expect(output).toContain('exit code 5')
  })

  test('run hears of a window that changes', async () => {
    const line = 'i=0; while [ $i -lt 60 ]; do stty size; sleep 0.2; i=$((i+1)); done; exit 7'
    const setUp = '(sleep 7; stty rows 40 cols 120 </dev/tty) &'
    const { output } = await typed(['run', '-a', app, '--', line], { setUp: `${setUp} true` })
    expect(output).toMatch(/33 99\r+\n[^]*40 120\r+\n[^]*exit code 7/)
  })

  test('run hears Ctrl-C, and nothing is left of it', async () => {
    const line = 'trap "echo got it; exit 6" INT; echo ready; while :; do sleep 1; done'
    const { output } = await typed(['run', '-a', app, '--', line], { keys: [[8, '\\003']] })
    expect(output).toMatch(/ready[^]*got it[^]*exit code 6/)
    await eventually(
      'no one-off is left',
      20_000,
      async () => (await paasJson<unknown[]>('run:list', '-a', app)).length === 0,
    )
  })

  test('ps:exec is inside a process that runs, with a terminal', async () => {
    const { output } = await typed(['ps:exec', '-a', app, 'web.1', '--', 'echo in $DYNO; stty size; exit 8'])
    expect(output).toMatch(/in web\.1\r+\n33 99\r+\n/)
    expect(output).toContain('exit code 8')
  })
})

test('run over ssh without a terminal keeps streams apart, to the byte, and the exit code', async () => {
  const done = await ann.ssh('run', '-a', app, '--', quote('echo out; echo err >&2; exit 9'))
  expect([done.stdout, done.stderr, done.code]).toEqual(['out\n', 'err\n', 9])
  const exec = await ann.ssh('ps:exec', '-a', app, 'web', '--', quote('echo $DYNO; exit 4'))
  expect([exec.stdout, exec.code]).toEqual(['web.1\n', 4])
  const summed = await run(
    '/bin/bash',
    [
      '-c',
      `head -c 2000000 /dev/zero | ${ann.env['GIT_SSH_COMMAND']!} -p ${instance.sshPort} ${instance.user}@127.0.0.1 run -a ${app} -- wc -c`,
    ],
    { env: ann.env },
  )
  expect(summed.stdout.trim()).toBe('2000000')
})

test('what the router says of an app is in its log, live and afterwards', async () => {
  const following = start(
    '/bin/bash',
    [
      '-c',
      `exec ${ann.env['GIT_SSH_COMMAND']!} -p ${instance.sshPort} ${instance.user}@127.0.0.1 logs -a ${app} -f -t router`,
    ],
    { env: ann.env },
  )
  let said = ''
  following.child.stdout.on('data', (text: string) => (said += text))
  await eventually('a request shows live', 20_000, async () => {
    await get(hostOf(app), '/facts?live')
    return said.includes('/facts?live')
  })
  following.child.kill('SIGINT')
  await following.finished
  const lines = said.trim().split('\n')
  for (const line of lines) expect(line).toMatch(/ paas\[router\]: /)
  expect(lines.at(-1)).toMatch(/GET \/facts\?live HTTP\/1\.1 200 \d+ bytes \d+ ms from 127\.0\.0\.1$/)
  expect((await paas(['logs', '-a', app, '-n', '1000'])).stdout).toMatch(/paas\[router\]: GET \/facts\?live/)
  expect((await paas(['logs', '-a', app, '-t', 'router', '-n', '1'])).stdout.trim().split('\n')).toHaveLength(
    1,
  )
})

describe('app.json’s scripts', () => {
  const scripts = (predeploy: string, postdeploy: string) => ({
    'app.json': JSON.stringify({ scripts: { predeploy, postdeploy } }),
  })

  test('run before each release of a new image, and once after the first', async () => {
    const own = await ann.clone(appName('scripts'), {
      files: scripts('echo before $PAAS_RELEASE', 'echo after $PAAS_RELEASE'),
    })
    const first = await own.deploy()
    expect(first.output).toMatch(/before v1[^]*v1 is live[^]*after v1/)
    const second = await own.deploy({ 'version.js': "export const version = '2'\n" })
    expect(second.output).toContain('before v2')
    expect(second.output).not.toContain('after v')
    await paas(['config:set', '-a', own.app, 'A=1'])
    const { stdout } = await paas(['logs', '-a', own.app, '-n', '1000'])
    expect(stdout.match(/: after v1$/gm)).toHaveLength(1)
    expect(stdout).not.toContain('before v3')
  })

  test('after the first release cannot undo it; before it they can', async () => {
    const own = await ann.clone(appName('failing'), { files: scripts('true', 'echo no luck; exit 3') })
    const first = await own.deploy()
    expect(first.output).toMatch(/no luck[^]*postdeploy task failed with exit code 3[^]*is live all the same/)
    expect((await probe(own.app)).release).toBe('v1')
    await own.commit(scripts('echo not today; exit 4', 'true'))
    const second = await own.push()
    expect(second.code).not.toBe(0)
    expect(second.output).toMatch(/not today[^]*predeploy task failed with exit code 4/)
    expect((await probe(own.app)).release).toBe('v1')
  })
})

test('a size in app.json that the server does not have is refused, unless another one counts', async () => {
  const own = await ann.clone(appName('large'), {
    files: { 'app.json': JSON.stringify({ formation: { web: { size: '999g' } } }) },
  })
  const { code, output } = await own.push()
  expect(code).not.toBe(0)
  expect(output).toMatch(/gives web more memory than the server has[^]*paas ps:type -a \S+ web=512m/)
  expect((await paas(['ps:type', '-a', own.app, 'web=128m'])).code).toBe(0)
  await own.deploy()
})

test('of several pushes that wait, the newest goes on, and the others are told', async () => {
  const first = await ann.clone(appName('queue'))
  await first.deploy()
  const [second, third] = [await bob.clone(first.app), await ann.clone(first.app)]
  await first.commit({ Procfile: 'web: node server.js\nrelease: echo working && sleep 8\n' })
  await second.commit({ 'version.js': "export const version = 'second'\n" })
  await third.commit({ 'version.js': "export const version = 'third'\n" })
  const running = first.startPush()
  await running.shows(/Running the release task/)
  const waiting = second.startPush('+main')
  await waiting.shows(/Waiting for a push of/)
  const newest = third.startPush('+main')
  const passed = await waiting.finished
  expect(passed.code).not.toBe(0)
  expect(passed.output).toContain(`A newer push of ${ann.name} to ${first.app} has taken this one's place.`)
  expect((await running.finished).code).toBe(0)
  const done = await newest.finished
  expect(done.code, done.output).toBe(0)
  expect((await probe(first.app)).version).toBe('third')
  const builds = await paasJson<{ commit: string; status: string }[]>('builds', '-a', first.app)
  expect(builds.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded'])
})

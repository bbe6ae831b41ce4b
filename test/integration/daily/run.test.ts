import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHash, randomBytes } from 'node:crypto'
import { eventually } from '../../support/process.ts'
import { startRig, type Rig } from './rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
  await rig.app('blog')
})
afterAll(() => rig[Symbol.asyncDispose]())

const oneOffs = (): Promise<{ name: string; attached: boolean }[]> => rig.json('run:list', '-a', 'blog')
const none = () => eventually('no one-off is left', 20_000, async () => (await oneOffs()).length === 0)

test('passes output, both streams apart, and the exit code', async () => {
  const done = await rig.paas(['run', '-a', 'blog', '--', 'echo out $DYNO; echo err >&2; exit 7'])
  expect(done.stdout).toMatch(/^out run\.\d+\n$/)
  expect(done.stderr).toBe('err\n')
  expect(done.code).toBe(7)
  await none()
})

test('takes stdin from a pipe to the byte, and words as they are', async () => {
  const input = randomBytes(3_000_000)
  const sum = createHash('sha256').update(input).digest('hex')
  const piped = await rig.paas(['run', '-a', 'blog', '--', 'sha256sum'], { input })
  expect(piped.stdout).toBe(`${sum}  -\n`)
  const words = await rig.paas(['run', '-a', 'blog', '-e', 'X=1 2', '--', 'echo', '$X', "it's", '-n'])
  expect(words.stdout).toBe("$X it's -n\n")
  expect((await rig.paas(['run', '-a', 'blog', '-e', 'X=1 2', '--', 'echo "$X"'])).stdout).toBe('1 2\n')
})

test('gives a real terminal: its size, Ctrl-C, and the exit code', async () => {
  const done = await rig.inTerminal(['run', '-a', 'blog', '--', 'stty size; echo $TERM; exit 5'], [])
  expect(done.output).toMatch(/33 99\r+\nxterm-256color\r+\n/)
  expect(done.output).toContain('exit code 5')
  const line = 'trap "echo got it; exit 6" INT; echo ready; while :; do sleep 1; done'
  const stopped = await rig.inTerminal(['run', '-a', 'blog', '--', line], [[12, '\\003']])
  expect(stopped.output).toMatch(/ready[^]*got it[^]*exit code 6/)
})

test('is removed when its client dies, and when the controller does', async () => {
  for (const end of ['client', 'controller'] as const) {
    const running = rig.starts(['run', '-a', 'blog', '--', 'echo ready; sleep 1000'])
    await running.shows(/ready/)
    expect((await oneOffs()).map(({ attached }) => attached)).toEqual([true])
    if (end === 'client') running.child.kill('SIGKILL')
    else await rig.restartController()
    await running.finished
    await none()
  }
})

test('runs detached, with output and exit code in the logs, and is stopped by name', async () => {
  const { name } = await rig.json<{ name: string }>(
    'run:detached',
    '-a',
    'blog',
    '--',
    'echo from afar; exit 3',
  )
  await eventually('its end is in the logs', 20_000, async () => {
    const { stdout } = await rig.paas(['logs', '-a', 'blog', '-n', '50'])
    return stdout.includes(`app[${name}]: from afar`) && stdout.includes(`${name} exited with code 3`)
  })
  const long = await rig.json<{ name: string }>('run:detached', '-a', 'blog', '--', 'sleep 1000')
  expect((await oneOffs()).map((one) => one.name)).toEqual([long.name])
  expect((await rig.paas(['run:stop', '-a', 'blog', 'run.1'])).code).toBe(3)
  expect((await rig.paas(['run:stop', '-a', 'blog'])).code).toBe(2)
  await rig.json('run:stop', '-a', 'blog', long.name)
  await none()
  expect((await rig.paas(['run:stop', '-a', 'blog', '--all'])).stdout).toBe('Nothing ran.\n')
})

test('runs inside a process that runs already', async () => {
  const done = await rig.paas(['ps:exec', '-a', 'blog', 'web.1', '--', 'echo $DYNO; exit 4'])
  expect([done.stdout, done.code]).toEqual(['web.1\n', 4])
  expect((await rig.paas(['ps:exec', '-a', 'blog', 'web.9', '--', 'true'])).code).toBe(3)
  const running = rig.starts(['ps:exec', '-a', 'blog', 'web', '--', 'echo ready; exec sleep 4321'])
  await running.shows(/ready/)
  running.child.kill('SIGKILL')
  await eventually('its process has ended', 20_000, async () => {
    const { stdout } = await rig.paas(['ps:exec', '-a', 'blog', 'web', '--', 'cat /proc/[0-9]*/cmdline'])
    return !stdout.replaceAll('\0', ' ').includes('sleep 4321')
  })
})

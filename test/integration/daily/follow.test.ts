import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRig, type Rig } from './rig.ts'

const lines = 100_000
let rig: Rig
beforeAll(async () => {
  rig = await startRig()
  await rig.app('blog')
}, 120_000)
afterAll(() => rig[Symbol.asyncDispose]())

/** Bytes of memory that the controller has at most had since `forget`. */
async function peak(): Promise<number> {
  const status = await readFile(`/proc/${rig.controllerPid()}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024
}

/** Follows a flood of lines to its end; the reader stands still for a while where it is `slow`. */
async function follow(slow: boolean): Promise<{ numbers: number[]; ms: number }> {
  const following = rig.starts(['logs', '-a', 'blog', '-f', '-n', '0', '-t', 'run'])
  const numbers: number[] = []
  let rest = ''
  following.child.stdout.on('data', (text: string) => {
    const all = (rest + text).split('\n')
    rest = all.pop()!
    for (const line of all) {
      const number = /\]: (\d+)$/.exec(line)
      if (number !== null) numbers.push(Number(number[1]))
    }
  })
  // Nothing tells that it follows: it shows what is said after that.
  await rig.json('run:detached', '-a', 'blog', '--', 'while :; do echo ready; sleep 0.2; done')
  await following.shows(/ready/)
  await rig.json('run:stop', '-a', 'blog', '--all')
  const began = performance.now()
  if (slow) following.child.kill('SIGSTOP')
  await rig.json('run:detached', '-a', 'blog', '--', `seq 1 ${lines}; echo the end`)
  if (slow) {
    await sleep(6000)
    following.child.kill('SIGCONT')
  }
  await following.shows(/: the end\n/)
  const ms = performance.now() - began
  following.child.kill('SIGINT')
  await following.finished
  return { numbers, ms }
}

test.each([
  ['reads as fast as it can', false],
  ['stands still for six seconds', true],
])(
  '100,000 lines reach a follower that %s, each once and in order, and memory stays bounded',
  async (_, slow) => {
    const before = await peak()
    const { numbers, ms } = await follow(slow)
    const grown = (await peak()) - before
    console.log(
      `${lines} lines followed in ${Math.round(ms)} ms; the controller's peak grew by ${Math.round(grown / 1024 ** 2)} MiB`,
    )
    expect(numbers.length).toBe(lines)
    expect(numbers.every((number, i) => number === i + 1)).toBe(true)
    expect(grown).toBeLessThan(100 * 1024 ** 2)
  },
)

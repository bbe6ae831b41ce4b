import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keepRunning, type Child, type ChildSpec } from '../../../src/serve/child.ts'
import { endLeftovers } from '../../../src/serve/leftovers.ts'
import { rotate, rotateWith } from '../../../src/serve/log-files.ts'
import { eventually } from '../../../src/setup/machine.ts'

const log = pino({ level: 'silent' })
let folder: string
const children: Child[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paas-serve-'))
})

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()))
  await rm(folder, { recursive: true })
})

function start(name: string, script: string, stopTimeoutMs = 2000): Child {
  const spec: ChildSpec = {
    name,
    program: process.execPath,
    args: ['-e', script],
    logFile: join(folder, `${name}.log`),
    pidFolder: join(folder, 'pids'),
    stopTimeoutMs,
  }
  const child = keepRunning(spec, log)
  children.push(child)
  return child
}

const output = (name: string) => readFile(join(folder, `${name}.log`), 'utf8')
const alive = (pid: number) =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    (line) => !line.includes(') Z '),
    () => false,
  )
const idle = `console.log('up'); setInterval(() => {}, 1000)`

async function upAgain(child: Child, previous: number | undefined, timeoutMs: number): Promise<boolean> {
  return eventually(async () => child.pid() !== undefined && child.pid() !== previous, timeoutMs)
}

test('starts a killed process again after a second, and keeps its output', async () => {
  const child = start('killed', idle)
  await eventually(async () => (await output('killed')).includes('up'), 20_000)
  const first = child.pid()!
  process.kill(first, 'SIGKILL')
  expect(await upAgain(child, first, 900)).toBe(false)
  expect(await upAgain(child, first, 10_000)).toBe(true)
  expect(await eventually(async () => (await output('killed')) === 'up\nup\n', 20_000)).toBe(true)
})

// Sooner than after the second that it waits otherwise.
test('starts it again at once where that was asked for', { retry: 2 }, async () => {
  const child = start('renewed', idle)
  const first = child.pid()
  await child.restart()
  expect(await upAgain(child, first, 500)).toBe(true)
})

test('a program that is not there is tried again, not fatal', async () => {
  const child = keepRunning(
    {
      name: 'missing',
      program: '/nonexistent',
      args: [],
      logFile: join(folder, 'missing.log'),
      pidFolder: join(folder, 'pids'),
      stopTimeoutMs: 1000,
    },
    log,
  )
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(child.pid()).toBeUndefined()
  await child.stop()
})

test('lets a process end in its own time, and kills one that does not', async () => {
  const polite = start(
    'polite',
    `process.on('SIGTERM', () => setTimeout(() => { console.log('bye'); process.exit() }, 300)); ${idle}`,
  )
  const stubborn = start('stubborn', `process.on('SIGTERM', () => {}); ${idle}`, 500)
  await eventually(
    async () => (await output('polite')).includes('up') && (await output('stubborn')).includes('up'),
    20_000,
  )
  const pid = stubborn.pid()!
  await Promise.all([polite.stop(), stubborn.stop()])
  expect(await output('polite')).toBe('up\nbye\n')
  expect(await alive(pid)).toBe(false)
})

test('ends what an earlier supervisor left, and nobody who has its number now', async () => {
  const child = start('left', idle)
  await eventually(async () => (await output('left')).includes('up'), 20_000)
  const pid = child.pid()!
  // Somebody else's process under a number that we once noted: another start time.
  await writeFile(join(folder, 'pids/other'), `${process.pid} 1`)
  expect(await endLeftovers(join(folder, 'pids'), ['other', 'left', 'never-started'], 5000)).toEqual(['left'])
  expect(await alive(pid)).toBe(false)
})

test('rotates a log whose writer can open it anew, without a line lost', async () => {
  const file = join(folder, 'reopened.log')
  const { open } = await import('node:fs/promises')
  let writer = await open(file, 'a')
  await writer.write('before ')
  const reopen = async (): Promise<void> => {
    await writer.write('meanwhile')
    await writer.close()
    writer = await open(file, 'a')
  }
  await rotateWith(reopen, file, 1000)
  await rotateWith(reopen, file, 5)
  await writer.write('after')
  await writer.close()
  expect(await readFile(file, 'utf8')).toBe('after')
  expect(await readFile(`${file}.1`, 'utf8')).toBe('before meanwhile')
})

test('rotates a log that its writer holds open', async () => {
  const file = join(folder, 'big.log')
  const writer = await import('node:fs/promises').then((fs) => fs.open(file, 'a'))
  await writer.write('x'.repeat(100))
  await rotate(file, 1000)
  expect((await stat(file)).size).toBe(100)
  await rotate(file, 50)
  await writer.write('after')
  await writer.close()
  expect(await readFile(file, 'utf8')).toBe('after')
  expect((await stat(`${file}.1`)).size).toBe(100)
})

import { pbkdf2 } from 'node:crypto'
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { never } from '../../../src/router/forward/plane.ts'
import { openAccessLog } from '../../../src/router/observe/access-log.ts'
import { mustRun } from '../../support/process.ts'
import { eventually } from './support/router.ts'

/** A disk with little room. */
let disk: string
beforeAll(async () => {
  disk = mkdtempSync(join(tmpdir(), 'paas-log-'))
  await mustRun('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])
})
afterAll(async () => {
  // Lazily, as a log stays open until its process ends.
  await mustRun('umount', ['--lazy', disk])
  rmSync(disk, { recursive: true })
})

const request = (target: string): Parameters<ReturnType<typeof openAccessLog>['line']>[0] => ({
  address: '10.0.0.1',
  asked: { method: 'GET', target, minor: 1, host: 'h', referer: '', userAgent: '' },
  route: undefined,
  backend: undefined,
  status: 200,
  bytesSent: 5,
  startedAt: 0,
  backendStartedAt: never,
  finishedAt: 10,
})

test('a named pipe is not waited for, and who reads it gets the lines', async () => {
  const path = join(disk, 'pipe')
  await mustRun('mkfifo', [path])
  const log = openAccessLog(path, (message) => expect.unreachable(message))
  log.line(request('/before'))
  const reader = createReadStream(path, 'latin1')
  let read = ''
  reader.on('data', (text) => (read += String(text)))
  await eventually(() => read.includes('/before'))
  log.line(request('/after'))
  await eventually(() => read.includes('/after'))
  log.close()
  reader.destroy()
})

test('a full disk: lines are lost and counted, and none of those after it is merged into half of one', async () => {
  const path = join(disk, 'access.log')
  const ballast = join(disk, 'ballast')
  writeFileSync(ballast, Buffer.alloc(30_000))
  const [problems, others]: [string[], string[]] = [[], []]
  const log = openAccessLog(path, (message) => problems.push(message))
  const other = openAccessLog(path, (message) => others.push(message))
  for (let i = 0; i < 1000; i += 1) log.line(request(`/full?${i}`))
  await eventually(() => problems.length > 0)
  expect(problems[0]).toContain('ENOSPC')
  expect(readFileSync(path, 'latin1').endsWith('\n')).toBe(false)
  other.line(request('/none'))
  await eventually(() => others.length > 0)

  // The one whose line is whole comes first, and knows only that it could not write.
  rmSync(ballast)
  other.line(request('/after?other'))
  await eventually(() => readFileSync(path, 'latin1').includes('/after?other'))
  log.line(request('/after?own'))
  await eventually(() => readFileSync(path, 'latin1').includes('/after?own'))
  const size = statSync(path).size
  log.line(request('/last'))
  log.close()
  other.close()
  expect(statSync(path).size).toBeGreaterThan(size)

  const lines = readFileSync(path, 'latin1').split('\n')
  const whole = /^::ffff:10\.0\.0\.1 - - \[[^\]]+\] "GET \/[^" ]+ HTTP\/1\.1" 200 5 "" "" "" 0\.01 0$/
  const written = lines.filter((line) => whole.test(line))
  expect(written.slice(-3).map((line) => line.split(' ')[6])).toEqual(['/after?other', '/after?own', '/last'])
  // Half a line, and the end of the file.
  expect(lines.filter((line) => !whole.test(line))).toHaveLength(2)
  expect(others).toContain('1 lines of the access log were lost')
  expect(problems).toContain(`${1000 - (written.length - 3)} lines of the access log were lost`)
})

test('no rotation leaves a file open or loses a line, however long a write takes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'paas-rotated-'))
  const path = join(directory, 'access.log')
  const problems: string[] = []
  const log = openAccessLog(path, (message) => problems.push(message))
  const targetOf = (fd: string): string => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  }
  const open = (): string[] =>
    readdirSync('/proc/self/fd')
      .map(targetOf)
      .filter((target) => target.startsWith(directory))
  // Whatever writes to files is busy for a while.
  const busy = Array.from({ length: 4 }, () => promisify(pbkdf2)('x', 'y', 1_000_000, 64, 'sha512'))
  log.line(request('/first'))
  await sleep(600)
  for (let i = 0; i < 3; i += 1) {
    for (let n = 0; n < 1000; n += 1) log.line(request(`/${i}-${n}`))
    renameSync(path, `${path}.${i}`)
    log.reopen()
  }
  await Promise.all(busy)
  await eventually(() => open().join() === path)
  log.line(request('/last'))
  log.close()
  const text = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'latin1'))
  expect(problems).toEqual([])
  expect(text.join('').split('\n')).toHaveLength(3003)
  rmSync(directory, { recursive: true })
})

test('a log that cannot be opened anew goes on as it was until it can', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'paas-reopened-'))
  const path = join(directory, 'logs', 'access.log')
  mkdirSync(join(directory, 'logs'))
  const problems: string[] = []
  const log = openAccessLog(path, (message) => problems.push(message))
  renameSync(join(directory, 'logs'), join(directory, 'before'))
  log.reopen()
  expect(problems.join()).toContain('the access log was not opened')
  log.line(request('/old'))
  await eventually(() => readFileSync(join(directory, 'before', 'access.log'), 'latin1').includes('/old'))
  mkdirSync(join(directory, 'logs'))
  await eventually(() => {
    log.line(request('/new'))
    return existsSync(path) && readFileSync(path, 'latin1').includes('/new')
  })
  log.close()
  rmSync(directory, { recursive: true })
})

test('long lines that come faster than they are written are written, however busy the process is', () => {
  const path = join(tmpdir(), `paas-long-${process.pid}.log`)
  const problems: string[] = []
  const log = openAccessLog(path, (message) => problems.push(message))
  const long = request('/long')
  const lines = (from: number): void => {
    for (let i = from; i < from + 128; i += 1)
      log.line({ ...long, asked: { ...long.asked, userAgent: '"'.repeat(15_000), referer: String(i) } })
  }
  lines(0)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500)
  lines(128)
  log.close()
  const written = readFileSync(path, 'latin1').split('\n')
  rmSync(path)
  expect(problems).toEqual([])
  expect(written.map((line) => line.split('"')[3]).filter(Boolean)).toHaveLength(256)
})

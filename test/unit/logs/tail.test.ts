import { closeSync, openSync, readdirSync, readlinkSync, writeSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLogBook } from '../../../src/logs/book.ts'
import { lastLines } from '../../../src/logs/read.ts'
import { followRouter } from '../../../src/logs/router-lines.ts'
import { openTail, type Tail } from '../../../src/logs/tail.ts'
import { AppId } from '../../../src/model/names.ts'

let folder = ''
let path = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paas-tail-'))
  path = join(folder, 'access.log')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const roomy = 1024 * 1024

/** Which files of the folder this process has open. */
const open = (): string[] =>
  readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return ''
      }
    })
    .filter((target) => target.startsWith(folder))

async function looks(tail: Tail, count: number): Promise<string[]> {
  const all: string[] = []
  for (let i = 0; i < count; i += 1) all.push(...(await tail.look()).lines)
  return all
}

test('what comes to a renamed file is read before the new one, until a second after that has begun', async () => {
  await writeFile(path, 'before\n')
  await using tail = await openTail(path, 'end', roomy)
  const old = `${path}.1`
  await appendFile(path, '1\n')
  await rename(path, old)
  await appendFile(old, '2\n')
  expect(await looks(tail, 2)).toEqual(['1', '2'])
  // Nobody has anything for the new one yet: however long that takes, the old one may still get lines.
  await writeFile(path, '')
  expect(await looks(tail, 20)).toEqual([])
  await appendFile(old, '3\n')
  expect(await looks(tail, 1)).toEqual(['3'])
  await appendFile(path, '5\n')
  expect(await looks(tail, 4)).toEqual([])
  await appendFile(old, '4\n')
  await appendFile(path, '6\n')
  expect(await looks(tail, 3)).toEqual(['4', '5', '6'])
  expect(open()).toEqual([path])
  await appendFile(path, '7\n')
  expect(await looks(tail, 9)).toEqual(['7'])
})

test('no line is lost, comes twice or out of order, whenever a file is rotated and whoever is late', async () => {
  const step = fc.constantFrom('write', 'write', 'write late', 'rename', 'reopen', 'look', 'look')
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const log = join(await mkdtemp(join(folder, 'run-')), 'access.log')
      await using tail = await openTail(log, 'end', roomy)
      const files: { fd: number; lines: string[] }[] = []
      const read: string[] = []
      let renamed = true
      let looked = 0
      let lookedSinceFirstLine = 0
      const write = (to: (typeof files)[number] | undefined): void => {
        if (to === undefined) return
        const line = `${files.indexOf(to)}: ${to.lines.length}`
        to.lines.push(line)
        writeSync(to.fd, `${line}\n`)
      }
      const does: Record<string, () => unknown> = {
        write: () => write(files.at(-1)),
        // Who is late by more than a second after somebody else has begun the new file is not waited for.
        'write late': () => lookedSinceFirstLine <= 4 && write(files.at(-2)),
        async rename() {
          // What nobody could see, because it was there between two looks only, is not meant.
          if (renamed || looked === 0) return
          await rename(log, `${log}.${files.length}`)
          renamed = true
        },
        reopen() {
          if (!renamed) return
          files.push({ fd: openSync(log, 'a'), lines: [] })
          renamed = false
          looked = lookedSinceFirstLine = 0
        },
        async look() {
          looked += 1
          if (files.at(-1)?.lines.length !== 0) lookedSinceFirstLine += 1
          read.push(...(await tail.look()).lines)
        },
      }
      for (const what of steps) await does[what]!()
      for (let i = 0; i < 6 * files.length; i += 1) await does['look']!()
      expect(read).toEqual(files.flatMap(({ lines }) => lines))
      for (const { fd } of files) closeSync(fd)
    }),
    { numRuns: 300 },
  )
  expect(open()).toEqual([])
})

test('files that were rotated twice between two looks are read one after the other', async () => {
  await writeFile(path, '')
  await using tail = await openTail(path, 'end', roomy)
  await appendFile(path, '1\n')
  await rename(path, `${path}.2`)
  await writeFile(path, '2\n')
  expect(await looks(tail, 1)).toEqual(['1'])
  await rename(path, `${path}.1`)
  await appendFile(`${path}.1`, '3\n')
  // The one in the middle has waited long enough, though nothing is in the newest.
  await writeFile(path, '')
  expect(await looks(tail, 9)).toEqual(['2', '3'])
  await rename(path, `${path}.empty`)
  await writeFile(path, '4\n')
  expect(await looks(tail, 9)).toEqual(['4'])
})

test('a file that is copied and cut is read from the beginning', async () => {
  await writeFile(path, 'before\n')
  await using tail = await openTail(path, 'end', roomy)
  await appendFile(path, '1\n')
  expect(await looks(tail, 1)).toEqual(['1'])
  await truncate(path, 0)
  expect(await looks(tail, 2)).toEqual([])
  await appendFile(path, '2\n')
  expect(await looks(tail, 2)).toEqual(['2'])
  await truncate(path, 0)
  await appendFile(path, '\n')
  expect(await looks(tail, 2)).toEqual([''])
})

test('a file that comes later is read from its start, and half a line once it is whole', async () => {
  await using tail = await openTail(path, 'end', roomy)
  expect(await looks(tail, 2)).toEqual([])
  await writeFile(path, '1\nha')
  expect(await looks(tail, 2)).toEqual(['1'])
  await appendFile(path, 'lf\n')
  expect(await looks(tail, 2)).toEqual(['half'])
})

test('of what comes too fast the first is skipped and counted; what was made to wait does not count as fast', async () => {
  await writeFile(path, '1\n2\n3\n')
  await using tail = await openTail(path, 'start', 4)
  // A line is whole that begins where as much begins as is read.
  expect(await tail.look()).toEqual({ lines: ['2', '3'], skipped: 2 })
  await rename(path, `${path}.1`)
  for (let i = 0; i < 5; i += 1) {
    await appendFile(path, `${i}\n`)
    expect(await tail.look()).toEqual({ lines: [], skipped: 0 })
  }
  expect(await tail.look()).toEqual({ lines: ['0', '1', '2', '3', '4'], skipped: 0 })
  await appendFile(path, '5\n6\n7\n')
  expect(await tail.look()).toEqual({ lines: ['6', '7'], skipped: 2 })
  await appendFile(path, '8\nnine\n')
  expect(await tail.look()).toEqual({ lines: [], skipped: 7 })
  await appendFile(path, 'ten\n1\nte')
  expect(await tail.look()).toEqual({ lines: ['1'], skipped: 4 })
})

test('what takes a log’s place and is no file is not read', async () => {
  await writeFile(path, '')
  await using tail = await openTail(path, 'end', roomy)
  await rename(path, `${path}.1`)
  await mkdir(path)
  await appendFile(`${path}.1`, '1\n')
  expect(await looks(tail, 9)).toEqual(['1'])
})

test('requests get into an app’s log across a rotation, and at the end no file is left open', async () => {
  const id = AppId.parse('a00000000000000a')
  const line = (n: number): string =>
    `10.0.0.1 - - [20/Nov/2026:12:00:00 +0000] "GET /${n} HTTP/1.1" 200 5 "" "" "blog" 0.01 0\n`
  await writeFile(path, line(0))
  const book = openLogBook(join(folder, 'logs'))
  const stop = new AbortController()
  const following = followRouter({
    path,
    book,
    findApp: async () => ({ id }),
    log: pino({ level: 'silent' }),
    signal: stop.signal,
  })
  await sleep(50)
  await rename(path, `${path}.1`)
  await appendFile(`${path}.1`, line(1))
  await sleep(300)
  await writeFile(path, line(3))
  await sleep(400)
  await appendFile(`${path}.1`, line(2))
  expect(open()).toEqual(expect.arrayContaining([`${path}.1`, path]))
  await sleep(1500)
  stop.abort()
  await following
  const { router } = await book.rings(id)
  const { lines } = await lastLines(router, { count: 10, wanted: () => true })
  expect(lines.map(({ text }) => text.split(' ')[1])).toEqual(['/1', '/2', '/3'])
  // Those of the app's log are.
  await book.close()
  expect(open()).toEqual([])
})

import { appendFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LogLine } from '../../../src/logs/line.ts'
import { lastLines, numberAt, readFrom } from '../../../src/logs/read.ts'
import { openRing, type Ring } from '../../../src/logs/ring.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paas-ring-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const roomy = { bytes: 1024 ** 2, segmentBytes: 64 * 1024 }
const tight = { bytes: 20_000, segmentBytes: 4_000 }
const never = new AbortController().signal

const line = (n: number): LogLine => ({
  time: `2026-11-20T12:00:${String(n % 60).padStart(2, '0')}.${String(n).padStart(9, '0')}Z`,
  source: 'app',
  process: n % 2 === 0 ? 'web.1' : 'worker.1',
  stream: 'stdout',
  text: `line ${n}`,
})
/** In the order of their times, as they come. */
const lines = (count: number, from = 0): LogLine[] =>
  Array.from({ length: count }, (_, i) => ({
    ...line(from + i),
    time: `2026-11-20T12:00:00.${String(from + i).padStart(9, '0')}Z`,
  }))

async function all(ring: Ring, from = 0): Promise<{ texts: string[]; dropped: number }> {
  const texts: string[] = []
  let dropped = 0
  for await (const batch of readFrom(ring, from, { follow: false, signal: never })) {
    dropped += batch.dropped
    texts.push(...batch.lines.map(({ text }) => text))
  }
  return { texts, dropped }
}

const textsOf = (count: number, from = 0): string[] => lines(count, from).map(({ text }) => text)

describe('a ring', () => {
  test('gives back what was written, in the order of its times', async () => {
    const ring = await openRing(folder, roomy)
    await ring.append(lines(5, 5))
    await ring.append(lines(5))
    await ring.flush()
    expect(ring.end()).toBe(10)
    expect((await all(ring)).texts).toEqual(textsOf(10))
    await ring.close()
  })

  test('goes on after it is opened again, and drops a line that was cut off', async () => {
    const first = await openRing(folder, roomy)
    await first.append(lines(3))
    await first.close()
    const [name] = await readdir(folder)
    await appendFile(join(folder, name!), '["2026-11-20T12:0')
    const second = await openRing(folder, roomy)
    expect(second.end()).toBe(3)
    await second.append(lines(2, 3))
    await second.flush()
    expect((await all(second)).texts).toEqual(textsOf(5))
    await second.close()
  })

  test('never has more on disk than its limit and one segment, and counts what it gave up', async () => {
    const ring = await openRing(folder, tight)
    for (let n = 0; n < 2000; n += 100) {
      await ring.append(lines(100, n))
      await ring.flush()
    }
    const sizes = await Promise.all(
      (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size),
    )
    const total = sizes.reduce((a, b) => a + b, 0)
    expect(total).toBeLessThan(tight.bytes + 2 * tight.segmentBytes)
    const { texts, dropped } = await all(ring)
    expect(dropped).toBeGreaterThan(1000)
    expect(texts).toEqual(textsOf(2000 - dropped, dropped))
    await ring.close()
    const again = await openRing(folder, tight)
    expect(again.end()).toBe(2000)
    await again.close()
  })

  test('is followed across segments, from any line on', async () => {
    const ring = await openRing(folder, { bytes: 1024 ** 2, segmentBytes: 2_000 })
    await ring.append(lines(50))
    await ring.flush()
    const stop = new AbortController()
    const seen: string[] = []
    const following = (async () => {
      for await (const batch of readFrom(ring, 20, { follow: true, signal: stop.signal })) {
        seen.push(...batch.lines.map(({ text }) => text))
        if (seen.length >= 480) stop.abort()
      }
    })()
    for (let n = 50; n < 500; n += 50) {
      await ring.append(lines(50, n))
      await ring.flush()
    }
    await following
    expect(seen).toEqual(textsOf(480, 20))
    await ring.close()
  })

  test('ends those who follow it when it is closed', async () => {
    const ring = await openRing(folder, roomy)
    const following = all(ring)
    const waiting = (async () => {
      for await (const { lines: none } of readFrom(ring, 0, { follow: true, signal: never }))
        expect(none).toEqual([])
    })()
    await following
    await ring.close()
    await waiting
  })
})

describe('the last lines', () => {
  test('are found backwards through segments, with a filter', async () => {
    const ring = await openRing(folder, { bytes: 1024 ** 2, segmentBytes: 2_000 })
    for (let n = 0; n < 1000; n += 100) {
      await ring.append(lines(100, n))
      await ring.flush()
    }
    const found = await lastLines(ring, { count: 3, wanted: ({ process }) => process === 'web.1' })
    expect(found.lines.map(({ text }) => text)).toEqual(['line 994', 'line 996', 'line 998'])
    expect(found.next).toBe(1000)
    const since = lines(1, 990)[0]!.time
    const newer = await lastLines(ring, { count: 100_000, since, wanted: () => true })
    expect(newer.lines.map(({ text }) => text)).toEqual(textsOf(10, 990))
    expect(await numberAt(ring, since)).toBeLessThanOrEqual(990)
    expect((await lastLines(ring, { count: 0, wanted: () => true })).lines).toEqual([])
    await ring.close()
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Case, corpus } from './corpus.ts'
import { judge } from './judge.ts'
import { type Lane, modes, startLane } from './lane.ts'

/** Lanes work side by side, each with one conversation at a time. */
const lanesPerMode = 6

describe.each(modes)('with %s', (name, mode) => {
  const lanes: Lane[] = []
  beforeAll(async () => {
    for (let i = 0; i < lanesPerMode; i += 1) lanes.push(await startLane(mode))
  })
  afterAll(() => {
    for (const lane of lanes) lane.close()
  })

  /** Runs all jobs over the lanes; returns what went wrong. */
  async function run(jobs: { one: Case; pieces: string[]; label: string }[]): Promise<string[]> {
    const problems: string[] = []
    let next = 0
    await Promise.all(
      lanes.map(async (lane) => {
        for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
          const problem = judge(job.one, await lane.converse(job.pieces))
          if (problem !== undefined)
            problems.push(`${job.one.category}: ${job.one.name}${job.label}: ${problem}`)
        }
      }),
    )
    return problems
  }

  test(`every case (${corpus.length}) in one piece`, async () => {
    expect(await run(corpus.map((one) => ({ one, pieces: [one.bytes], label: '' })))).toEqual([])
  })

  test('every case byte by byte', async () => {
    const short = corpus.filter((one) => one.bytes.length < 400)
    expect(await run(short.map((one) => ({ one, pieces: one.bytes.split(''), label: ' (bytes)' })))).toEqual(
      [],
    )
  })

  test('every case split at every offset', { timeout: 240_000 }, async () => {
    // A part of the offsets in each mode: together all of them. With PAAS_TEST=all each mode has them all.
    const everywhere = process.env['PAAS_TEST'] === 'all'
    const part = modes.findIndex((one) => one[0] === name)
    const jobs = corpus.flatMap((one) =>
      offsetsOf(one.bytes.length)
        .filter((offset) => everywhere || offset % modes.length === part)
        .map((offset) => ({
          one,
          pieces: [one.bytes.slice(0, offset), one.bytes.slice(offset)],
          label: ` (at ${offset})`,
        })),
    )
    expect(await run(jobs)).toEqual([])
  })
})

/** All offsets of an ordinary case; of a huge one those near its ends and a sample between. */
function offsetsOf(length: number): number[] {
  const all = Array.from({ length: length - 1 }, (_, i) => i + 1)
  if (length < 600) return all
  return all.filter((offset) => offset < 150 || offset > length - 60 || offset % 1009 === 0)
}

test('the corpus is as large as promised', () => {
  expect(corpus.length).toBeGreaterThanOrEqual(238)
})

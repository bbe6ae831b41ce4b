import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { needRoom } from '../../../src/build/disk-guard.ts'
import { messageOf } from '../../../src/errors/paas-error.ts'

const none = { bytes: 0, files: 0 }
const all = 2 ** 60

/** What is said, and how often the cache is given up, where these have to be free. */
async function asked(least: typeof none, cacheBelow: typeof none): Promise<{ said: string; given: number }> {
  let given = 0
  const giveUp = (): Promise<void> => {
    given++
    return Promise.resolve()
  }
  const lines: string[] = []
  const disk = { folder: tmpdir(), least, cacheBelow }
  await needRoom(disk, giveUp, (line) => lines.push(line)).catch((error: unknown) =>
    lines.push(messageOf(error)),
  )
  return { said: lines.join('\n'), given }
}

test.each([
  { what: 'room', least: none, cacheBelow: none, says: /^$/, given: 0 },
  {
    what: 'little',
    least: none,
    cacheBelow: { bytes: all, files: 0 },
    says: /^The disk is nearly full/,
    given: 1,
  },
  {
    what: 'few files',
    least: none,
    cacheBelow: { bytes: 0, files: all },
    says: /^The disk is nearly/,
    given: 1,
  },
  {
    what: 'too little',
    least: { bytes: all, files: 0 },
    cacheBelow: none,
    says: /^Only \d+ MiB are free/,
    given: 0,
  },
  {
    what: 'too few files',
    least: { bytes: 0, files: all },
    cacheBelow: none,
    says: /^Only \d+ inodes/,
    given: 0,
  },
])('a disk with $what', async ({ least, cacheBelow, says, given }) => {
  const found = await asked(least, cacheBelow)
  expect(found.said).toMatch(says)
  expect(found.given).toBe(given)
})

test('a folder on no disk that is seen is not guarded', async () => {
  const disk = { folder: '/nonexistent', least: { bytes: all, files: all }, cacheBelow: none }
  await expect(
    needRoom(
      disk,
      () => Promise.reject(new Error('never')),
      () => undefined,
    ),
  ).resolves.toBeUndefined()
})

import { statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { PaasError } from '../errors/paas-error.ts'

/** `files`: how many more fit; a disk has a number of them, whatever their sizes. */
export type Room = { bytes: number; files: number }

/**
 * A disk that builds write to, and what they must leave of it: apps and their databases need it. With less than
 * `cacheBelow`, what builds have cached is given up before another one.
 */
export type GuardedDisk = { folder: string; least: Room; cacheBelow: Room }

/** Milliseconds between two looks: what a fast disk takes in meanwhile is little beside what has to be left. */
const lookEvery = 500

/**
 * Throws BUILD_FAILED where so little is free that a build must not start. `giveUp` is to free what is cached, and
 * `onLine` is told when that is called.
 */
export async function needRoom(
  { folder, least, cacheBelow }: GuardedDisk,
  giveUp: () => Promise<void>,
  onLine: (line: string) => void,
): Promise<void> {
  if ((await shortOf(folder, cacheBelow)) !== undefined) {
    onLine('The disk is nearly full, so what builds have cached is given up')
    await giveUp()
  }
  const short = await shortOf(folder, least)
  if (short === undefined) return
  throw new PaasError(
    'BUILD_FAILED',
    `Only ${short.free} are free on the disk of ${folder}, and builds leave at least ${short.least}.`,
    { hint: 'An admin sees what uses it with: paas disk' },
  )
}

/** Looks until `signal` aborts; calls `full` once when less is free than has to be. */
export async function watchRoom(
  { folder, least }: GuardedDisk,
  signal: AbortSignal,
  full: (error: PaasError) => void,
): Promise<void> {
  while (!signal.aborted) {
    const short = await shortOf(folder, least)
    if (short !== undefined) {
      const text = `The build was stopped because it fills the disk: less than ${short.least} are left.`
      const hint =
        'Does a step write without end, or copy too much? An admin sees what uses the disk with: paas disk'
      return full(new PaasError('BUILD_FAILED', text, { hint }))
    }
    await sleep(lookEvery, undefined, { signal }).catch(() => undefined)
  }
}

/** What there is too little of, in words; undefined where there is enough, or no disk that this process sees. */
async function shortOf(folder: string, least: Room): Promise<{ free: string; least: string } | undefined> {
  const found = await statfs(folder).catch(() => undefined)
  if (found === undefined) return undefined
  const bytes = found.bavail * found.bsize
  if (bytes < least.bytes) return { free: inMiB(bytes), least: inMiB(least.bytes) }
  // Zero of zero: a file system that makes room for files as they come.
  if (found.files > 0 && found.ffree < least.files)
    return { free: `${found.ffree} inodes`, least: `${least.files} inodes (each file takes one)` }
  return undefined
}

const inMiB = (bytes: number): string => `${Math.floor(bytes / 1024 ** 2)} MiB`

import { statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { PaasError } from '../errors/paas-error.ts'

/** A disk that builds write to, and the bytes on it that they must leave free: apps and their databases need them. */
export type GuardedDisk = { folder: string; leastBytes: number }

/** Milliseconds between two looks: what a fast disk takes in meanwhile is little beside `leastBytes`. */
const lookEvery = 500

/** Throws BUILD_FAILED where so little is free that a build must not start. */
export async function needRoom({ folder, leastBytes }: GuardedDisk): Promise<void> {
  const free = await freeOn(folder)
  if (free === undefined || free >= leastBytes) return
  throw new PaasError(
    'BUILD_FAILED',
    `Only ${inMiB(free)} are free on the disk of ${folder}, and builds leave at least ${inMiB(leastBytes)}.`,
    { hint: 'An admin sees what uses it with: paas disk' },
  )
}

/** Looks until `signal` aborts; calls `full` once when less is free than has to be. */
export async function watchRoom(
  { folder, leastBytes }: GuardedDisk,
  signal: AbortSignal,
  full: (error: PaasError) => void,
): Promise<void> {
  while (!signal.aborted) {
    const free = await freeOn(folder)
    if (free !== undefined && free < leastBytes) {
      const text = `The build was stopped because it fills the disk: less than ${inMiB(leastBytes)} are left.`
      const hint =
        'Does a step write without end, or copy too much? An admin sees what uses the disk with: paas disk'
      return full(new PaasError('BUILD_FAILED', text, { hint }))
    }
    await sleep(lookEvery, undefined, { signal }).catch(() => undefined)
  }
}

/** Bytes; undefined where the folder is not on a disk that this process sees. */
async function freeOn(folder: string): Promise<number | undefined> {
  const found = await statfs(folder).catch(() => undefined)
  return found && found.bavail * found.bsize
}

const inMiB = (bytes: number): string => `${Math.floor(bytes / 1024 ** 2)} MiB`

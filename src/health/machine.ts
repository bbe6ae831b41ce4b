import { statfs } from 'node:fs/promises'
import { availableMemory, constrainedMemory } from 'node:process'
import { totalmem } from 'node:os'
import { type Platform } from '../apps/platform.ts'
import { baseInfo } from '../build/base-image.ts'
import { bytes, look, type Part } from './part.ts'

const leastDisk = 2 * 1024 ** 3
const leastMemory = 256 * 1024 ** 2
/** Debian's security updates come more often than this. */
const oldBaseDays = 45

export const base = ({ engine, now }: Platform): Promise<Part> =>
  look('base image', 'Build it: paas base:build', async () => {
    const info = await baseInfo(engine)
    if (info === undefined) {
      return {
        healthy: false,
        finding: 'there is none, so nothing can be built',
        fix: 'Build it: paas base:build',
      }
    }
    if (info.node === undefined) {
      return {
        version: info.debian,
        healthy: false,
        finding: `${info.image} is there, the image of Node is not`,
        fix: 'Build it: paas base:build',
      }
    }
    const days = Math.floor((now().getTime() - Date.parse(info.builtAt)) / 86_400_000)
    const finding = `${info.image}, ${days} day${days === 1 ? '' : 's'} old`
    return days > oldBaseDays
      ? {
          version: info.debian,
          healthy: false,
          finding,
          fix: 'Take in the security updates: paas base:build',
        }
      : { version: info.debian, healthy: true, finding }
  })

/** The disk of the state, and of the engine where that is another one. */
export const disk = ({ paths, engine }: Platform): Promise<Part> =>
  look('disk', 'See what is mounted there: df -h', async () => {
    const info = (await engine.docker.info().catch(() => undefined)) as { DockerRootDir?: string } | undefined
    const folders = [paths.lib, ...(info?.DockerRootDir === undefined ? [] : [info.DockerRootDir])]
    const found = await Promise.all(folders.map(freeOn))
    const least = found.reduce((a, b) => (b.free < a.free ? b : a))
    const finding = `${bytes(least.free)} free of ${bytes(least.total)} on the disk of ${least.folder}`
    return least.free < leastDisk
      ? { healthy: false, finding, fix: 'Free some: docker system df shows what images and caches use.' }
      : { healthy: true, finding }
  })

async function freeOn(folder: string): Promise<{ folder: string; free: number; total: number }> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { folder, free: bavail * bsize, total: blocks * bsize }
}

export async function memory(): Promise<Part> {
  const free = availableMemory()
  const limit = constrainedMemory()
  const total = limit > 0 && limit < totalmem() ? limit : totalmem()
  const finding = `${bytes(free)} available of ${bytes(total)}`
  return free < leastMemory
    ? {
        name: 'memory',
        healthy: false,
        finding,
        fix: 'Scale something down (paas scale), or give the machine more memory.',
      }
    : { name: 'memory', healthy: true, finding }
}

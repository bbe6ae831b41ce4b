import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What all builds may use together. `cpus`: cores, fractions allowed; undefined: what live apps leave. */
export type BuildLimits = { memoryBytes: number; cpus?: number | undefined }

/** Microseconds over which the kernel deals out a cap of cores. */
const period = 100_000

/**
 * Caps what all builds together use, so that a build does not starve live apps. BuildKit ignores limits per
 * build, but runs every step below one cgroup of its own, whose limits hold: `<parent>/buildkit`, in the place
 * that Docker's cgroupfs driver uses. Where that is not so (Docker's systemd driver), nothing is capped. Where cores
 * are scarce all builds together get a quarter of what one container of an app gets.
 */
export async function limitBuilds(
  { memoryBytes, cpus }: BuildLimits,
  root = '/sys/fs/cgroup',
): Promise<void> {
  const quota = cpus === undefined ? undefined : Math.round(cpus * period)
  const unified = await access(join(root, 'cgroup.controllers')).then(
    () => true,
    () => false,
  )
  const settings: [folder: string, file: string, value: number | string][] = unified
    ? [
        ['docker/buildkit', 'memory.max', memoryBytes],
        ['docker/buildkit', 'memory.swap.max', 0],
        ['docker/buildkit', 'cpu.weight', 25],
        ['docker/buildkit', 'cpu.max', `${quota ?? 'max'} ${period}`],
      ]
    : [
        // The one with swap may not be below the other at any time, so raising needs the third line.
        ['memory/docker/buildkit', 'memory.limit_in_bytes', memoryBytes],
        ['memory/docker/buildkit', 'memory.memsw.limit_in_bytes', memoryBytes],
        ['memory/docker/buildkit', 'memory.limit_in_bytes', memoryBytes],
        ['cpu/docker/buildkit', 'cpu.shares', 256],
        ['cpu/docker/buildkit', 'cpu.cfs_period_us', period],
        ['cpu/docker/buildkit', 'cpu.cfs_quota_us', quota ?? -1],
      ]
  for (const [folder, file, value] of settings) await set(join(root, folder), file, value)
}

/** A cap is a protection of others, not a condition of the build: what the kernel does not have stays unset. */
async function set(folder: string, file: string, value: number | string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return
  }
  await writeFile(join(folder, file), String(value)).catch(() => undefined)
}

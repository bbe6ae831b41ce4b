import { watch } from 'node:fs'
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** What all builds may use together. `cpus`: cores, fractions allowed; undefined: what live apps leave. */
export type BuildLimits = { memoryBytes: number; cpus?: number | undefined }

/** Processes and threads of all builds together: many for compilers, few beside what a kernel has (32,768 and more). */
export const mostProcesses = 4096

/** Microseconds over which the kernel deals out a cap of cores. */
const period = 100_000

/**
 * Caps what all builds together use until `signal` aborts, so that a build does not starve live apps. BuildKit ignores
 * limits per build. With Docker's cgroupfs driver it runs every step below one cgroup of its own, whose limits hold.
 * With the systemd driver (`cgroupDriver`: Docker's own word) each step is a cgroup of its own beside those of the
 * containers, so its processes are moved to a common one. Where cores are scarce all builds together get a quarter of
 * what one container of an app gets.
 */
export async function limitBuilds(
  { memoryBytes, cpus }: BuildLimits,
  { cgroupDriver, root = '/sys/fs/cgroup' }: { cgroupDriver?: string | undefined; root?: string },
  signal: AbortSignal,
): Promise<void> {
  const quota = cpus === undefined ? undefined : Math.round(cpus * period)
  if (!(await exists(join(root, 'cgroup.controllers')))) {
    // The one with swap may not be below the other at any time, so raising needs the third line.
    await set(join(root, 'memory/docker/buildkit'), [
      ['memory.limit_in_bytes', memoryBytes],
      ['memory.memsw.limit_in_bytes', memoryBytes],
      ['memory.limit_in_bytes', memoryBytes],
    ])
    await set(join(root, 'pids/docker/buildkit'), [['pids.max', mostProcesses]])
    return set(join(root, 'cpu/docker/buildkit'), [
      ['cpu.shares', 256],
      ['cpu.cfs_period_us', period],
      ['cpu.cfs_quota_us', quota ?? -1],
    ])
  }
  const slice = join(root, 'system.slice')
  const folder = cgroupDriver === 'systemd' ? join(slice, 'paas-builds') : join(root, 'docker/buildkit')
  await set(folder, [
    ['memory.max', memoryBytes],
    ['memory.swap.max', 0],
    ['pids.max', mostProcesses],
    ['cpu.weight', 25],
    ['cpu.max', `${quota ?? 'max'} ${period}`],
  ])
  if (cgroupDriver === 'systemd') gatherSteps(slice, folder, signal)
}

/** A cap is a protection of others, not a condition of the build: what the kernel does not have stays unset. */
async function set(folder: string, settings: [file: string, value: number | string][]): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return
  }
  for (const [file, value] of settings) {
    await writeFile(join(folder, file), String(value)).catch(() => undefined)
  }
}

/**
 * What runc makes of the name that Docker means for systemd, `SLICE:docker:ID`: a folder of that name, beside the one
 * of Docker's own service.
 */
const stepFolder = /\.slice:docker:\w+$/

/** Moves the processes of every step that begins into `folder`, where its children are born from then on. */
function gatherSteps(slice: string, folder: string, signal: AbortSignal): void {
  const seen = (name: string | null): void => {
    if (name !== null && stepFolder.test(name)) void moveAll(join(slice, name), folder, signal)
  }
  try {
    watch(slice, { signal }, (_, name) => seen(name)).on('error', () => undefined)
  } catch {
    // Without the folder there is nothing to watch.
  }
}

/** Until the first processes are there, and once more for what was born while they were moved. */
async function moveAll(from: string, to: string, signal: AbortSignal): Promise<void> {
  for (let moved = false; !signal.aborted;) {
    const found = await readFile(join(from, 'cgroup.procs'), 'utf8').catch(() => undefined)
    const pids = found?.split('\n').filter(Boolean)
    if (pids === undefined || (moved && pids.length === 0)) return
    for (const pid of pids) await writeFile(join(to, 'cgroup.procs'), pid).catch(() => undefined)
    moved ||= pids.length > 0
    await sleep(20)
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

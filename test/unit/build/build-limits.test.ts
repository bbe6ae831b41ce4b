import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { limitBuilds } from '../../../src/build/build-limits.ts'

/** Stands for /sys/fs/cgroup. */
let root = ''
const build = new AbortController()
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'paas-cgroup-'))
})
afterEach(() => rm(root, { recursive: true }))

const content = (path: string) => readFile(join(root, path), 'utf8')
const limit = (cpus: number | undefined, cgroupDriver: string) =>
  limitBuilds({ memoryBytes: 1000, cpus }, { cgroupDriver, root }, build.signal)

test('cgroup v1: where the kernel has the means, and nowhere else', async () => {
  await mkdir(join(root, 'memory/docker'), { recursive: true })
  await limit(1.5, 'cgroupfs')
  expect(await content('memory/docker/buildkit/memory.limit_in_bytes')).toBe('1000')
  expect(await readdir(root)).toEqual(['memory'])
  await mkdir(join(root, 'cpu/docker'), { recursive: true })
  await limit(1.5, 'cgroupfs')
  expect(await content('cpu/docker/buildkit/cpu.shares')).toBe('256')
  expect(await content('cpu/docker/buildkit/cpu.cfs_quota_us')).toBe('150000')
  await limit(undefined, 'cgroupfs')
  expect(await content('cpu/docker/buildkit/cpu.cfs_quota_us')).toBe('-1')
})

test.each([
  ['cgroupfs', 'docker', 'buildkit'],
  ['systemd', 'system.slice', 'paas-builds'],
])('cgroup v2 with Docker’s %s driver', async (driver, parent, folder) => {
  await writeFile(join(root, 'cgroup.controllers'), 'cpu memory pids\n')
  await mkdir(join(root, 'docker'))
  await mkdir(join(root, 'system.slice'))
  await limit(1.5, driver)
  expect(await content(`${parent}/${folder}/memory.max`)).toBe('1000')
  expect(await content(`${parent}/${folder}/memory.swap.max`)).toBe('0')
  expect(await content(`${parent}/${folder}/pids.max`)).toBe('4096')
  expect(await content(`${parent}/${folder}/cpu.weight`)).toBe('25')
  expect(await content(`${parent}/${folder}/cpu.max`)).toBe('150000 100000')
  await limit(undefined, driver)
  expect(await content(`${parent}/${folder}/cpu.max`)).toBe('max 100000')
  const others = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('memory.max'))
  expect(others).toHaveLength(1)
})

test('with Docker’s systemd driver, what runs in steps is moved under the limits', async () => {
  await writeFile(join(root, 'cgroup.controllers'), 'cpu memory pids\n')
  const slice = join(root, 'system.slice')
  await mkdir(slice)
  await limit(undefined, 'systemd')
  // A cgroup has its files as soon as it is there.
  const appears = async (folder: string, pid: string): Promise<void> => {
    await mkdir(join(root, folder))
    await writeFile(join(root, folder, 'cgroup.procs'), `${pid}\n`)
    await rename(join(root, folder), join(slice, folder))
  }
  await appears('docker-4f2a.scope', '11')
  await appears('system.slice:docker:x7k2', '12')
  const moved = () => content('system.slice/paas-builds/cgroup.procs').catch(() => '')
  await expect.poll(moved, { timeout: 5000 }).toBe('12')
  build.abort()
  await appears('system.slice:docker:late', '13')
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(await moved()).toBe('12')
})

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { cgroupUsage } from '../../../src/docker/cgroup-usage.ts'

async function tree(files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'paas-cgroup-'))
  onTestFinished(() => rm(root, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return root
}

test('control groups of version 2, as systemd and Docker make them', async () => {
  const group = 'sys/fs/cgroup/system.slice/docker-abc.scope'
  const root = await tree({
    'proc/7/cgroup': '0::/system.slice/docker-abc.scope\n',
    [`${group}/cpu.stat`]: 'usage_usec 1500\nuser_usec 1000\n',
    [`${group}/memory.current`]: '5000\n',
    [`${group}/memory.stat`]: 'anon 10\ninactive_file 2000\n',
  })
  expect(await cgroupUsage('abc', 7, root)).toMatchObject({ cpuNs: 1_500_000, memoryBytes: 3000 })
  expect(await cgroupUsage('other', 7, root)).toBeUndefined()
  expect(await cgroupUsage('abc', 8, root)).toBeUndefined()
})

test('control groups of version 1, beside one of version 2 that counts nothing', async () => {
  const root = await tree({
    'proc/7/cgroup': '4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/docker/abc\n',
    'sys/fs/cgroup/cpuacct/docker/abc/cpuacct.usage': '99\n',
    'sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes': '5000\n',
    'sys/fs/cgroup/memory/docker/abc/memory.stat': 'inactive_file 1\ntotal_inactive_file 4000\n',
  })
  expect(await cgroupUsage('abc', 7, root)).toMatchObject({ cpuNs: 99, memoryBytes: 1000 })
})

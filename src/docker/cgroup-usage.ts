import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** CPU time in nanoseconds, memory without what the kernel can take back at once; `at` in ms (performance.now()). */
export type Usage = { cpuNs: number; memoryBytes: number; at: number }

/**
 * What a container uses, from its control group: a moment, where the engine waits for its own next look, up to a second.
 * `pid` is its first process. Undefined where that is not to be seen from here.
 */
export async function cgroupUsage(id: string, pid: number, root = '/'): Promise<Usage | undefined> {
  try {
    const groups = groupsOf(await readFile(join(root, `proc/${pid}/cgroup`), 'utf8'))
    const at = performance.now()
    const unified = groups.get('')
    const [cpu, memory] = [groups.get('cpuacct') ?? unified, groups.get('memory') ?? unified]
    // The pid may be another machine's, and so somebody else here.
    if (cpu === undefined || memory === undefined || !cpu.includes(id) || !memory.includes(id))
      return undefined
    const read = (...path: string[]) => readFile(join(root, 'sys/fs/cgroup', ...path), 'utf8')
    const [cpuNs, usage, stat] = groups.has('memory')
      ? [
          Number(await read('cpuacct', cpu, 'cpuacct.usage')),
          await read('memory', memory, 'memory.usage_in_bytes'),
          await read('memory', memory, 'memory.stat'),
        ]
      : [
          field(await read(cpu, 'cpu.stat'), 'usage_usec') * 1000,
          await read(memory, 'memory.current'),
          await read(memory, 'memory.stat'),
        ]
    const evictable = field(stat, groups.has('memory') ? 'total_inactive_file' : 'inactive_file')
    return { cpuNs, memoryBytes: Math.max(0, Number(usage) - evictable), at }
  } catch {
    return undefined
  }
}

/** cgroups(7): `ID:CONTROLLERS:PATH`, one line a hierarchy; that of version 2 names no controller. */
function groupsOf(text: string): Map<string, string> {
  const groups = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    for (const controller of controllers?.split(',') ?? []) groups.set(controller, path!)
  }
  return groups
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

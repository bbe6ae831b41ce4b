import { readFile } from 'node:fs/promises'

/** The hard limit of open files of a process; undefined where it cannot be read. */
export async function openFilesLimit(pid: number | 'self'): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/limits`, 'latin1').catch(() => '')
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(text)?.[1]
  if (hard === undefined) return undefined
  return hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(hard)
}

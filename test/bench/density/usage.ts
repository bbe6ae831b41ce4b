import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type InstancePaths } from '../../../src/lib/paths.ts'

/** The processes of paas itself, without systemd. */
export const parts = ['controller', 'router', 'redis'] as const
export type Part = (typeof parts)[number]

/** A part's process with its children: the router's workers. */
export async function processesOf(paths: InstancePaths, name: Part): Promise<number[]> {
  const pid = Number.parseInt(await readFile(join(paths.servePids, name), 'utf8'), 10)
  const folder = `/proc/${pid}/task`
  const threads = await readdir(folder)
  const texts = await Promise.all(
    threads.map((thread) => readFile(join(folder, thread, 'children'), 'utf8').catch(() => '')),
  )
  return [pid, ...texts.join(' ').split(' ').filter(Boolean).map(Number)]
}

/** MiB: what is resident, and with what is shared divided by those who share it (proc_pid_smaps_rollup(5)). */
export async function memory(pids: number[]): Promise<{ rss: number; pss: number }> {
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/smaps_rollup`, 'latin1')))
  const sum = (field: string): number =>
    texts.reduce((all, text) => all + Number(new RegExp(`^${field}: +(\\d+)`, 'm').exec(text)![1]), 0) / 1024
  return { rss: sum('Rss'), pss: sum('Pss') }
}

export async function median(times: number, task: () => Promise<unknown>): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    await task()
    took.push(performance.now() - began)
  }
  return took.sort((a, b) => a - b)[Math.floor(times / 2)]!
}

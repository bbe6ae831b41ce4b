import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Platform } from '../apps/platform.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { type Settings } from '../model/settings.ts'
import { backUpState } from './back-up.ts'

/** Why a backup of the state was made. */
export const reasons = ['hourly', 'asked', 'migration', 'upgrade'] as const
export type Reason = (typeof reasons)[number]

/** `20261120-171500-hourly.state`: when it was made (UTC) and why. */
const namePattern = new RegExp(
  String.raw`^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-(${reasons.join('|')})\.state$`,
)
const unfinished = '.part'
/** Of those that were made for a reason of their own so many stay, whatever their age. */
const keepOthers = 5

export type StateBackup = {
  file: string
  /** ISO 8601. */
  createdAt: string
  reason: Reason
  bytes: number
}

/** All that are whole, newest first. */
export async function listStateBackups({ stateBackups }: InstancePaths): Promise<StateBackup[]> {
  const names = await readdir(stateBackups).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  const found = names.flatMap((name) => {
    const match = namePattern.exec(name)
    if (match === null) return []
    const [, year, month, day, hour, minute, second, reason] = match
    const createdAt = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
    return [{ file: join(stateBackups, name), createdAt, reason: reason as Reason }]
  })
  const sized = await Promise.all(
    found.map(async (one) => {
      const state = await stat(one.file).catch(() => undefined)
      return state === undefined ? [] : [{ ...one, bytes: state.size }]
    }),
  )
  return sized.flat().sort((a, b) => (a.file < b.file ? 1 : -1))
}

/**
 * Backs the state up into the instance's own folder, and removes what has become old. A file has its name only once
 * it is whole and on the disk.
 */
export function writeStateBackup(platform: Platform, reason: Reason): Promise<StateBackup> {
  const who = { owner: 'paas', verb: 'server:backups:create' }
  return platform.queues.run('state backups', who, () => write(platform, reason))
}

async function write(platform: Platform, reason: Reason): Promise<StateBackup> {
  const { stateBackups } = platform.paths
  await mkdir(stateBackups, { recursive: true, mode: 0o700 })
  const at = platform.now().toISOString().slice(0, 19)
  const file = join(stateBackups, `${at.replaceAll(/[-:]/g, '').replace('T', '-')}-${reason}.state`)
  const next = `${file}${unfinished}`
  try {
    await pipeline(backUpState(platform), createWriteStream(next, { mode: 0o600, flush: true }))
    await rename(next, file)
    await flush(stateBackups)
  } catch (error) {
    await rm(next, { force: true })
    throw error
  }
  await removeOld(platform)
  return { file, createdAt: `${at}.000Z`, reason, bytes: (await stat(file)).size }
}

/** A name is on the disk once its folder is. */
async function flush(folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}

async function removeOld({ paths, store, now }: Platform): Promise<void> {
  const all = await listStateBackups(paths)
  const { keepStateBackups } = await store.settings.get()
  const stay = keptBackups(all, keepStateBackups, now().toISOString())
  for (const { file } of all) if (!stay.has(file)) await rm(file, { force: true })
  for (const name of await readdir(paths.stateBackups)) {
    // Nobody else writes here: it was cut off.
    if (name.endsWith(unfinished)) await rm(join(paths.stateBackups, name), { force: true })
  }
}

/**
 * Files of the backups that stay, of a list that begins with the newest. What is later than `now` was made by a clock
 * that was wrong: it stays, and takes nobody's place. Pure.
 */
export function keptBackups(
  all: readonly Pick<StateBackup, 'file' | 'createdAt' | 'reason'>[],
  keep: Settings['keepStateBackups'],
  now: string,
): Set<string> {
  const backups = all.filter(({ createdAt }) => createdAt <= now)
  const newest = (count: number, period: (time: string) => string): string[] => {
    const first = new Map<string, string>()
    for (const { createdAt, file } of backups)
      if (!first.has(period(createdAt))) first.set(period(createdAt), file)
    return [...first.values()].slice(0, count)
  }
  const others = backups.filter(({ reason }) => reason !== 'hourly').slice(0, keepOthers)
  return new Set([
    ...all.filter(({ createdAt }) => createdAt > now).map(({ file }) => file),
    ...newest(keep.hours, (time) => time.slice(0, 13)),
    ...newest(keep.days, (time) => time.slice(0, 10)),
    ...others.map(({ file }) => file),
  ])
}

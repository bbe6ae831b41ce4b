import { isDeepStrictEqual } from 'node:util'
import { type Redis } from 'ioredis'
import { PaasError } from '../errors/paas-error.ts'
import { dumpState, type StateRecord, writeRecord } from './dump.ts'
import { keys } from './keys.ts'
import { execAll, onState } from './redis.ts'

/** A step from one layout of the state to the next: pure, and the whole state at once. */
export type Migration = {
  /** What it does, for people: "move domains out of apps". */
  what: string
  change: (records: readonly StateRecord[]) => StateRecord[]
}

/**
 * Every step there has been, in order; never changed, only added to. The version of a state is how many of them it
 * has been through. A state without a version is from before there were any, and the first one gives it its number.
 * What an older program would refuse, such as a field that it does not know, is a step too, even where nothing has to
 * be moved: so a way back is known to need the state of before.
 */
export const migrations: readonly Migration[] = [
  { what: 'give the state a version', change: (records) => [...records] },
  { what: 'let releases have settings', change: (records) => [...records] },
]

/** The layout that this program reads and writes. */
export const schemaVersion = migrations.length

/** Brings a state up to date. Pure; what is up to date stays as it is. Throws STATE_NEWER. */
export function migrate(
  records: readonly StateRecord[],
  steps: readonly Migration[] = migrations,
): StateRecord[] {
  const stored = records.find(({ key }) => key === keys.schema)
  const from = versionOf(stored?.type === 'string' ? stored.value : undefined, steps)
  if (from === steps.length) return [...records]
  const changed = steps.slice(from).reduce((state, step) => step.change(state), [...records])
  const rest = changed.filter(({ key }) => key !== keys.schema)
  return [...rest, { key: keys.schema, type: 'string', value: String(steps.length) }]
}

/** Of a stored version. Throws STATE_NEWER for what a newer program has written, STATE_CORRUPT for no version. */
function versionOf(stored: string | undefined, steps: readonly Migration[]): number {
  if (stored !== undefined && !/^\d{1,9}$/.test(stored))
    throw new PaasError('STATE_CORRUPT', `The stored value ${keys.schema} is no version.`)
  const version = Number(stored ?? 0)
  if (version <= steps.length) return version
  throw new PaasError(
    'STATE_NEWER',
    `The state has the layout ${version}, and this version of paas knows those up to ${steps.length}: a newer one wrote it. Nothing is changed, and what runs goes on running.`,
    { hint: 'Install the newer version again, or restore a backup of before: paas server:backups' },
  )
}

/**
 * Brings the state in Redis up to date, in one transaction: a controller that dies leaves the old state or the new
 * one. `before` is run first where there is anything to do, with the version that there is. Resolves to the versions
 * before and after. Throws STATE_NEWER, and then nothing is changed. The connection must have no other user meanwhile.
 */
export async function migrateState(
  redis: Redis,
  before: (from: number) => Promise<void>,
  steps: readonly Migration[] = migrations,
): Promise<{ from: number; to: number }> {
  const to = steps.length
  const stored = await onState(() => redis.get(keys.schema))
  const from = versionOf(stored ?? undefined, steps)
  if (from === to) return { from, to }
  await before(from)
  const own = redis.duplicate()
  own.on('error', () => undefined)
  try {
    await onState(async () => {
      await readyOf(own)
      await own.watch(keys.schema)
    })
    // What another controller has done meanwhile must not be done twice.
    if ((await onState(() => own.get(keys.schema))) !== stored)
      return await migrateState(redis, before, steps)
    const here = await dumpState(own)
    const multi = own.multi()
    for (const change of changesTo(here, migrate(here, steps))) {
      multi.del(change.key)
      if (change.record !== undefined) writeRecord(multi, change.record)
    }
    await execAll(multi)
    return { from, to }
  } finally {
    own.disconnect()
  }
}

/** What must be written to make one state of the other. */
function changesTo(
  here: readonly StateRecord[],
  wanted: readonly StateRecord[],
): { key: string; record: StateRecord | undefined }[] {
  const before = new Map(here.map((record) => [record.key, record]))
  const after = new Map(wanted.map((record) => [record.key, record]))
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const record = after.get(key)
    return isDeepStrictEqual(before.get(key), record) ? [] : [{ key, record }]
  })
}

async function readyOf(redis: Redis): Promise<void> {
  const deadline = performance.now() + 2000
  while (redis.status !== 'ready') {
    if (performance.now() > deadline) throw new Error('no connection')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

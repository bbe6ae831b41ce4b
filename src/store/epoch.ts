import { readFile } from 'node:fs/promises'
import { type Redis } from 'ioredis'
import { PaasError } from '../errors/paas-error.ts'
import { randomHex } from '../lib/ids.ts'
import { writeFileAtomically } from '../lib/write-file.ts'
import { keys } from './keys.ts'
import { onState } from './redis.ts'

/**
 * Throws STATE_CORRUPT unless Redis holds the state that this instance wrote. Both sides carry the same random
 * epoch; a new instance writes it. Redis without it has lost its data, which is not the same as "no apps":
 * then nothing may be removed, and what runs goes on running.
 */
async function verifyEpoch(redis: Redis, file: string): Promise<void> {
  const [expected, found] = await Promise.all([
    readFile(file, 'utf8').catch(() => undefined),
    onState(() => redis.get(keys.epoch)),
  ])
  if (expected !== undefined && expected === found) return
  if (expected === undefined && found === null) {
    const epoch = randomHex(16)
    // The file goes first: should we die between the two, the next start says so instead of starting anew.
    await writeFileAtomically(file, epoch, 0o600)
    await onState(() => redis.set(keys.epoch, epoch))
    return
  }
  throw new PaasError(
    'STATE_CORRUPT',
    found === null
      ? 'Redis has lost its data: nothing is changed, and what runs goes on running.'
      : 'Redis holds the data of another instance: nothing is changed, and what runs goes on running.',
    {
      hint: `See \`paas server:backups\`, and go back to one: paas server:restore FILE. To give its data up for good instead: remove ${file}.`,
    },
  )
}

export type Epoch = ReturnType<typeof watchEpoch>

/**
 * Keeps in mind whether Redis holds the state of this instance. Data is only ever lost while Redis is away, so each
 * new connection is looked at before anything else is asked of it.
 */
export function watchEpoch(redis: Redis, file: string) {
  let looking: Promise<void> | undefined
  let lost: PaasError | undefined

  async function look(): Promise<void> {
    try {
      await verifyEpoch(redis, file)
      lost = undefined
    } catch (error) {
      if (error instanceof PaasError && error.code === 'STATE_CORRUPT') lost = error
      throw error
    }
  }

  /** Looks now, once for all who ask meanwhile. Throws STATE_CORRUPT, or STATE_UNREACHABLE. */
  const verify = (): Promise<void> => (looking ??= look().finally(() => (looking = undefined)))
  redis.on('ready', () => void verify().catch(() => undefined))

  return {
    verify,
    /** Throws STATE_CORRUPT where the last look found that. While Redis is away, whoever asks it hears so. */
    ensure: async (): Promise<void> => {
      await looking?.catch(() => undefined)
      if (lost !== undefined) throw lost
    },
  }
}

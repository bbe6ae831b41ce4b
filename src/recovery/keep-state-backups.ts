import { setTimeout as sleep } from 'node:timers/promises'
import { type Platform } from '../apps/platform.ts'
import { messageOf } from '../errors/paas-error.ts'
import { listStateBackups, writeStateBackup } from './state-backups.ts'

/** Milliseconds between two looks at whether a backup is due. */
const lookEvery = 60_000
const hour = 3_600_000

/**
 * Backs the state up once an hour, until the signal aborts. What `verifyState` refuses is not backed up: nothing of
 * a Redis that has lost its data takes the place of a backup that has it.
 */
export async function keepStateBackups(
  platform: Platform,
  verifyState: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await isDue(platform)) {
        await verifyState()
        const { file } = await writeStateBackup(platform, 'hourly')
        platform.log.debug({ file }, 'the state is backed up')
      }
    } catch (error) {
      platform.log.warn({ reason: messageOf(error) }, 'the state cannot be backed up now')
    }
    await sleep(lookEvery, undefined, { signal }).catch(() => undefined)
  }
}

/** There is none of this hour by the clock. One from the future, by a clock that was wrong, counts for nothing. */
async function isDue({ paths, now }: Platform): Promise<boolean> {
  const at = now().getTime()
  const made = (await listStateBackups(paths)).map(({ createdAt }) => Date.parse(createdAt))
  return !made.some((time) => time <= at && Math.floor(time / hour) === Math.floor(at / hour))
}

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
export async function verifyEpoch(redis: Redis, file: string): Promise<void> {
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

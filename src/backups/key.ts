import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { PaasError } from '../errors/paas-error.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { writeFileAtomically } from '../lib/write-file.ts'

export type BackupKey = { bytes: Buffer; id: string }

/** Which key it is, without telling anything about it. */
export function keyOf(bytes: Buffer): BackupKey {
  if (bytes.length !== 32) throw new PaasError('INVALID_INPUT', 'A key of backups is a file of 32 bytes.')
  return { bytes, id: createHash('sha256').update(bytes).digest('hex').slice(0, 8) }
}

/** The key of this server's backups; the first backup makes it. */
export async function backupKey(paths: InstancePaths): Promise<BackupKey> {
  const found = await readFile(paths.backupKey).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  if (found !== undefined) return keyOf(found)
  const bytes = randomBytes(32)
  await writeFileAtomically(paths.backupKey, bytes, 0o400)
  return keyOf(bytes)
}

import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Platform } from '../apps/platform.ts'
import { type InstancePaths } from '../lib/paths.ts'
import { run } from '../lib/run.ts'
import { listStateBackups } from '../recovery/state-backups.ts'
import { bytes, look, type Part } from './part.ts'

/** One is made every hour; after this many milliseconds something keeps it from being made. */
const staleMs = 3 * 3_600_000
const youngSeconds = 300
/** What Redis says when it refuses its log (aof.c of Redis 7). */
const refusal = /Bad file format reading the append only file|Unexpected end of file reading the append/

export const stateBackups = ({ paths, now }: Platform): Promise<Part> =>
  look('state backups', 'See the log of the controller.', async () => {
    const [newest, ...older] = await listStateBackups(paths)
    const fix = 'See the log of the controller for why, and back it up yourself: paas server:backups:create'
    // The first one is made as soon as the state can be read.
    if (newest === undefined) {
      const finding = 'there is none yet'
      return process.uptime() < youngSeconds ? { healthy: true, finding } : { healthy: false, finding, fix }
    }
    const age = now().getTime() - Date.parse(newest.createdAt)
    const finding = `${older.length + 1}, the newest of ${newest.createdAt} (${bytes(newest.bytes)})`
    return age > staleMs
      ? { healthy: false, finding: `${finding}, which is ${Math.floor(age / 3_600_000)} h old`, fix }
      : { healthy: true, finding }
  })

/**
 * Where Redis refuses to load its log: what to do, with the newest backup. Undefined where it does not. Nothing is
 * ever mended by itself, as that could drop most of the state.
 */
export async function corruptState(paths: InstancePaths): Promise<string | undefined> {
  const words = await lastWords(paths)
  if (!refusal.test(words.slice(words.lastIndexOf('Ready to accept connections') + 1))) return undefined
  const [newest] = await listStateBackups(paths)
  const restore =
    newest === undefined
      ? 'There is no backup of the state on this server; restore one that you keep elsewhere'
      : `Then go back to the newest backup of the state: paas server:restore ${newest.file}`
  return `Its log in ${paths.redisData} is damaged. Keep a copy, move the folder's content away, and start Redis. ${restore}`
}

/** The end of what Redis logs: a file of ours, or the journal. */
async function lastWords(paths: InstancePaths): Promise<string> {
  const file = await open(join(paths.log, 'redis.log')).catch(() => undefined)
  if (file === undefined) {
    const { stdout } = await run('journalctl', ['-u', 'paas-redis', '-n', '40', '-o', 'cat'], {
      timeoutMs: 3000,
    })
    return stdout
  }
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(8192),
      position: Math.max(0, size - 8192),
    })
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

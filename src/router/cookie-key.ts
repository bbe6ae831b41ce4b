import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The key that signs sticky cookies: beside the snapshot, where there is one, so that it survives restarts. */
export function cookieKeyBeside(snapshot: string | undefined): string {
  if (snapshot === undefined) return randomKey()
  const path = join(dirname(snapshot), 'cookie.key')
  const present = readKey(path)
  if (present !== undefined) return present
  const fresh = randomKey()
  const temporary = `${path}.${randomKey()}.tmp`
  try {
    writeFileSync(temporary, fresh, { flag: 'wx', mode: 0o600 })
    linkOver(temporary, path)
  } catch {
    // It cannot be kept.
  } finally {
    if (existsSync(temporary)) rmSync(temporary)
  }
  return readKey(path) ?? fresh
}

/** Unless another router was first; what is there and cannot be read as a key is none. */
function linkOver(temporary: string, path: string): void {
  try {
    linkSync(temporary, path)
  } catch {
    if (readKey(path) === undefined) renameSync(temporary, path)
  }
}

function readKey(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim()
    return /^[0-9a-f]{64}$/.test(text) ? text : undefined
  } catch {
    return undefined
  }
}

function randomKey(): string {
  return randomBytes(32).toString('hex')
}

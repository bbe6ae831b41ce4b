import { open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { randomHex } from './ids.ts'

/**
 * Replaces a file at once: readers see the old text or the new one, also after a crash. The new file belongs to
 * this process' user.
 */
export async function writeFileAtomically(path: string, text: string | Buffer, mode: number): Promise<void> {
  const next = `${path}.${randomHex(4)}.new`
  try {
    const file = await open(next, 'wx', mode)
    try {
      // The mask of the process may have taken bits away.
      await file.chmod(mode)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(next, path)
  } catch (error) {
    await rm(next, { force: true })
    throw error
  }
}

/** Removes from a folder what writers left that were killed; nobody may be writing there. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const unfinished = names.filter((name) => /\.[0-9a-f]{8}\.new$/.test(name))
  await Promise.all(unfinished.map((name) => rm(join(folder, name), { force: true })))
}

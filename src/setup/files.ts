import { chmod, chown, lstat, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Ids } from './accounts.ts'

/** How a path is to be: owner and group by name. */
export type Owned = { path: string; mode: number; owner: string; group: string }

/** A file whose whole content set-up decides. */
export type DesiredFile = Owned & { content: string | Uint8Array }

export type Accounts = ReadonlyMap<string, Ids>

/** Is the directory there with the right owner and mode? */
export async function directoryInPlace(wanted: Owned, accounts: Accounts): Promise<boolean> {
  const stat = await lstat(wanted.path).catch(() => undefined)
  return stat?.isDirectory() === true && ownedAs(stat, wanted, accounts)
}

export async function putDirectory(wanted: Owned, accounts: Accounts): Promise<void> {
  await mkdir(wanted.path, { recursive: true, mode: wanted.mode })
  await own(wanted.path, wanted, accounts)
}

/** Is the file there with the right content, owner and mode? */
export async function fileInPlace(wanted: DesiredFile, accounts: Accounts): Promise<boolean> {
  const stat = await lstat(wanted.path).catch(() => undefined)
  if (stat?.isFile() !== true || !ownedAs(stat, wanted, accounts)) return false
  return (await readFile(wanted.path)).equals(Buffer.from(wanted.content))
}

/** Writes the file whole or not at all, never readable by more than `mode` says. */
export async function putFile(wanted: DesiredFile, accounts: Accounts): Promise<void> {
  await mkdir(dirname(wanted.path), { recursive: true, mode: 0o755 })
  const next = `${wanted.path}.next`
  await writeFile(next, wanted.content, { mode: 0o600, flush: true })
  await own(next, wanted, accounts)
  await rename(next, wanted.path)
}

async function own(path: string, { mode, owner, group }: Owned, accounts: Accounts): Promise<void> {
  await chown(path, idOf(owner, accounts).uid, idOf(group, accounts).gid)
  await chmod(path, mode)
}

function ownedAs(
  stat: { uid: number; gid: number; mode: number },
  wanted: Owned,
  accounts: Accounts,
): boolean {
  return (
    stat.uid === accounts.get(wanted.owner)?.uid &&
    stat.gid === accounts.get(wanted.group)?.gid &&
    (stat.mode & 0o7777) === wanted.mode
  )
}

function idOf(name: string, accounts: Accounts): Ids {
  const ids = accounts.get(name)
  if (!ids) throw new Error(`there is no user "${name}"`)
  return ids
}

import {
  chownSync,
  closeSync,
  existsSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { isPipe, openLog } from './observe/log-file.ts'
import { type RouterSettings } from './settings.ts'

/** No writing of a snapshot takes as long. */
const leftMs = 600_000

/** What workers become once they have opened what only root may open. */
export type Identity = { uid: number | undefined; gid: number }

/** Undefined: nobody is named, or this process is not root and stays who it is, as in Hipache. */
export function workerIdentity({
  user,
  group,
}: Pick<RouterSettings, 'user' | 'group'>): Identity | undefined {
  if (process.geteuid?.() !== 0) return undefined
  const own = group === undefined ? undefined : { gid: entryOf(group, '/etc/group').id }
  if (user === undefined) return own === undefined ? undefined : { uid: undefined, ...own }
  const { id: uid, group: gid } = entryOf(user, '/etc/passwd')
  return { uid, gid, ...own }
}

/** For good: the way back to root is closed. */
export function become({ uid, gid }: Identity): void {
  process.setgroups?.([])
  process.setgid?.(gid)
  if (uid !== undefined) process.setuid?.(uid)
}

/**
 * Makes the access log before the workers open it: a log that cannot be had is told once, and workers that are not
 * root can open it anew after a rotation. Throws START_FAILED.
 */
export function prepareAccessLog(path: string | undefined, identity: Identity | undefined): void {
  if (path === undefined || isPipe(path)) return
  let opened: Stats
  try {
    const fd = openLog(path)
    if (identity?.uid !== undefined && isItself(path, fd)) fchownSync(fd, identity.uid, identity.gid)
    opened = fstatSync(fd)
    closeSync(fd)
  } catch (error) {
    throw new PaasError('START_FAILED', `The access log cannot be opened: ${messageOf(error)}.`, {
      cause: error,
      hint: `It has to be a file of its own, in a folder that is there and writable: ${dirname(path)}`,
    })
  }
  if (identity?.uid === undefined || !opened.isFile() || (rightsOf(opened, identity) & 2) === 2) return
  throw new PaasError('START_FAILED', `${path} leads to a file that the workers cannot write.`, {
    hint: `Name the file itself, or chown it to ${identity.uid}.`,
  })
}

/**
 * Makes the directory of the snapshot, which is written as a file beside it that takes its place, so the workers must
 * be able to write there. Throws START_FAILED.
 */
export function prepareSnapshot(path: string, identity: Identity | undefined): void {
  const directory = dirname(path)
  let made: boolean
  try {
    made = makeDirectory(directory)
  } catch (cause) {
    throw new PaasError('START_FAILED', `The snapshot's directory cannot be made: ${messageOf(cause)}.`, {
      cause,
    })
  }
  removeLeftovers(path)
  if (identity?.uid === undefined) return
  if (made) chownSync(directory, identity.uid, identity.gid)
  if ((rightsOf(statSync(directory), identity) & 3) === 3) return
  throw new PaasError('START_FAILED', `The workers cannot write the snapshot into ${directory}.`, {
    hint: `chown ${identity.uid} ${directory}`,
  })
}

/** What killed writers of the snapshot have left (snapshot.ts), and not what is being written. */
function removeLeftovers(path: string): void {
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`) || !/\.[0-9a-f]{12}\.tmp$/.test(name)) continue
    const leftover = join(dirname(path), name)
    const written = statSync(leftover, { throwIfNoEntry: false })?.mtimeMs ?? Infinity
    if (Date.now() - written > leftMs) rmSync(leftover, { force: true })
  }
}

/** Whether it was not there. Not by Node's `recursive`, which never returns below /proc. */
function makeDirectory(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return false
  if (dirname(path) !== path) makeDirectory(dirname(path))
  mkdirSync(path)
  return true
}

/** Whether a file is what a path names, and no device nor what a link leads to: those stay whose they are. */
function isItself(path: string, fd: number): boolean {
  const opened = fstatSync(fd)
  const named = lstatSync(path)
  return opened.isFile() && opened.nlink === 1 && named.ino === opened.ino && named.dev === opened.dev
}

/** What somebody may do with a file: 4 read, 2 write, 1 execute or search. */
function rightsOf({ uid, gid, mode }: Stats, identity: Identity): number {
  return uid === identity.uid ? mode >> 6 : gid === identity.gid ? mode >> 3 : mode
}

/** A user or group by name or number, and a user's own group; a number that nobody has stands for both. */
function entryOf(name: string, file: '/etc/passwd' | '/etc/group'): { id: number; group: number } {
  const isNumber = /^[0-9]+$/.test(name)
  // What has only numbers can do without names.
  if (isNumber && !existsSync(file)) return { id: Number(name), group: Number(name) }
  const entry = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => name !== '' && fields[isNumber ? 2 : 0] === name)
  if (entry !== undefined) return { id: Number(entry[2]), group: Number(entry[3]) }
  if (isNumber) return { id: Number(name), group: Number(name) }
  throw new PaasError('INVALID_INPUT', `"${name}" is not in ${file}.`, {
    hint: 'The workers of the router run as the user and the group that are named.',
  })
}

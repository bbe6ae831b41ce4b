import { type Command } from '../define.ts'
import { storageBackup } from './backup.ts'
import { storageList } from './list.ts'
import { storageMount } from './mount.ts'
import { storageRestore } from './restore.ts'
import { storageUnmount } from './unmount.ts'

/** Every command of storage, in the order of the overview. */
export const storageCommands: readonly Command[] = [
  ...[storageMount, storageUnmount, storageList, storageBackup, storageRestore],
]

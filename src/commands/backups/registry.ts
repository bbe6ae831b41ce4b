import { type Command } from '../define.ts'
import { backupsCreate } from './create.ts'
import { backupsDestroy } from './destroy.ts'
import { backupsDownload } from './download.ts'
import { backupsDrill } from './drill.ts'
import { backupsKey } from './key.ts'
import { backupsList } from './list.ts'
import { backupsRestore } from './restore.ts'
import { backupsSchedule } from './schedule.ts'
import { backupsStoresAdd } from './stores/add.ts'
import { backupsStoresList } from './stores/list.ts'
import { backupsStoresRemove } from './stores/remove.ts'
import { backupsUnschedule } from './unschedule.ts'

/** Every command of backups, in the order of the overview. */
export const backupCommands: readonly Command[] = [
  ...[backupsCreate, backupsList, backupsRestore, backupsDownload, backupsDrill, backupsDestroy],
  ...[backupsSchedule, backupsUnschedule, backupsKey],
  ...[backupsStoresAdd, backupsStoresList, backupsStoresRemove],
]

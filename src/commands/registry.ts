import { appsCreate } from './apps/create.ts'
import { appsDestroy } from './apps/destroy.ts'
import { appsInfo } from './apps/info.ts'
import { appsList } from './apps/list.ts'
import { appsLock } from './apps/lock.ts'
import { appsRename } from './apps/rename.ts'
import { appsUnlock } from './apps/unlock.ts'
import { baseBuild } from './base/build.ts'
import { baseImageInfo } from './base/info.ts'
import { baseSet } from './base/set.ts'
import { baseStatus } from './base/status.ts'
import { baseUpdate } from './base/update.ts'
import { buildArgsList } from './build-args/list.ts'
import { buildArgsSet } from './build-args/set.ts'
import { buildArgsUnset } from './build-args/unset.ts'
import { buildpacksAdd } from './buildpacks/add.ts'
import { buildpacksDetect } from './buildpacks/detect.ts'
import { buildpacksList } from './buildpacks/list.ts'
import { buildpacksRemove } from './buildpacks/remove.ts'
import { buildpacksSet } from './buildpacks/set.ts'
import { buildsCancel } from './builds/cancel.ts'
import { buildsClearCache } from './builds/clear-cache.ts'
import { buildsList } from './builds/list.ts'
import { buildsLog } from './builds/log.ts'
import { buildsSet } from './builds/set.ts'
import { checksReport } from './checks/report.ts'
import { checksSet } from './checks/set.ts'
import { completionOf } from './completion.ts'
import { configEdit } from './config/edit.ts'
import { configExport } from './config/export.ts'
import { configGet } from './config/get.ts'
import { configImport } from './config/import.ts'
import { configList } from './config/list.ts'
import { configSet } from './config/set.ts'
import { configUnset } from './config/unset.ts'
import { cronList } from './cron/list.ts'
import { cronLogs } from './cron/logs.ts'
import { cronPause } from './cron/pause.ts'
import { cronResume } from './cron/resume.ts'
import { cronRun } from './cron/run.ts'
import { type Command } from './define.ts'
import { deploy } from './deploy.ts'
import { disk } from './disk.ts'
import { diskSet } from './disk/set.ts'
import { dockerfileSet } from './dockerfile/set.ts'
import { doctor } from './doctor.ts'
import { domainsAdd } from './domains/add.ts'
import { domainsList } from './domains/list.ts'
import { domainsRemove } from './domains/remove.ts'
import { drainsAdd } from './drains/add.ts'
import { drainsList } from './drains/list.ts'
import { drainsRemove } from './drains/remove.ts'
import { events } from './events.ts'
import { gitFromImage } from './git/from-image.ts'
import { keysAdd } from './keys/add.ts'
import { keysList } from './keys/list.ts'
import { keysRemove } from './keys/remove.ts'
import { logs } from './logs.ts'
import { psExec } from './ps/exec.ts'
import { psList } from './ps/list.ts'
import { psRestart } from './ps/restart.ts'
import { psStart } from './ps/start.ts'
import { psStop } from './ps/stop.ts'
import { psType } from './ps/type.ts'
import { releasesDiff } from './releases/diff.ts'
import { releasesInfo } from './releases/info.ts'
import { releasesList } from './releases/list.ts'
import { releasesSet } from './releases/set.ts'
import { rollback } from './rollback.ts'
import { routerLogs } from './router/logs.ts'
import { routerReload } from './router/reload.ts'
import { routerStats } from './router/stats.ts'
import { routesAdd } from './routes/add.ts'
import { routesList } from './routes/list.ts'
import { routesRemove } from './routes/remove.ts'
import { run } from './run.ts'
import { runDetached } from './run/detached.ts'
import { runList } from './run/list.ts'
import { runStop } from './run/stop.ts'
import { scale } from './scale.ts'
import { serverBackup } from './server/backup.ts'
import { serverBackups } from './server/backups.ts'
import { serverBackupsCreate } from './server/backups/create.ts'
import { serverBackupsSet } from './server/backups/set.ts'
import { serverRestore } from './server/restore.ts'
import { backupCommands } from './backups/registry.ts'
import { storageCommands } from './storage/registry.ts'
import { serviceCommands } from './services/registry.ts'
import { version } from './version.ts'

/** Every command there is, in the order of the overview within its topic. */
export const commands: readonly Command[] = [
  ...[appsCreate, appsList, appsInfo, appsRename, appsLock, appsUnlock, appsDestroy],
  ...[configList, configGet, configSet, configUnset, configEdit, configExport, configImport],
  ...[psList, scale, psRestart, psStop, psStart, psType, psExec],
  ...[checksReport, checksSet],
  ...[run, runDetached, runList, runStop],
  logs,
  ...[drainsList, drainsAdd, drainsRemove],
  ...[cronList, cronRun, cronLogs, cronPause, cronResume],
  ...[releasesList, releasesInfo, releasesDiff, rollback, releasesSet],
  ...[deploy, buildsList, buildsLog, buildsCancel, buildsSet, buildsClearCache],
  ...[gitFromImage, dockerfileSet, buildArgsList, buildArgsSet, buildArgsUnset],
  ...[domainsList, domainsAdd, domainsRemove],
  ...[routesList, routesAdd, routesRemove],
  ...[routerStats, routerLogs, routerReload],
  ...serviceCommands,
  ...backupCommands,
  ...storageCommands,
  ...[keysList, keysAdd, keysRemove],
  ...[buildpacksList, buildpacksDetect, buildpacksSet, buildpacksAdd, buildpacksRemove],
  ...[baseImageInfo, baseStatus, baseBuild, baseUpdate, baseSet],
  ...[doctor, events, disk, diskSet, version, completionOf(() => commands)],
  ...[serverBackup, serverRestore, serverBackups, serverBackupsCreate, serverBackupsSet],
]

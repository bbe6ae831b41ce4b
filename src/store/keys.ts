import { type AppId } from '../model/names.ts'
import { type ServiceId } from '../model/service.ts'

/** Every key of ours besides Hipache's own (store/routes.ts). */
export const keys = {
  /** STRING: version of the layout of everything below. */
  schema: 'paas:schema',
  /** STRING, written once at set-up: its absence means lost data, not "no apps". */
  epoch: 'paas:epoch',
  /** HASH app name → app id. */
  apps: 'paas:apps',
  /** STRING, JSON of model/app.ts. */
  app: (id: AppId) => `paas:app:${id}`,
  /** HASH config name → sealed value: the config of the next release. */
  config: (id: AppId) => `paas:app:${id}:config`,
  /** HASH release version → JSON of model/release.ts. */
  releases: (id: AppId) => `paas:app:${id}:releases`,
  /** HASH build id → JSON of model/build.ts. */
  builds: (id: AppId) => `paas:app:${id}:builds`,
  /** HASH name of a cron entry → JSON of model/cron-run.ts. */
  cronRuns: (id: AppId) => `paas:app:${id}:cron`,
  /** HASH config name → sealed value, for every app. */
  globalConfig: 'paas:config',
  /** STRING, JSON of model/settings.ts. */
  settings: 'paas:settings',
  /** HASH key id → JSON of model/key.ts. */
  sshKeys: 'paas:keys',
  /** HASH service name → service id. */
  services: 'paas:services',
  /** STRING, JSON of model/service.ts. */
  service: (id: ServiceId) => `paas:service:${id}`,
  /** HASH backup id → JSON of model/backup.ts. */
  backups: 'paas:backups',
  /** HASH subject → JSON of its schedule. */
  backupSchedules: 'paas:backup-schedules',
  /** HASH name → JSON of an off-site store. */
  offsiteStores: 'paas:offsite-stores',
  /** STREAM of {name, facts (JSON)}: what somebody should know of. */
  events: 'paas:events',
}

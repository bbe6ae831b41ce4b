import { type Redis } from 'ioredis'
import { appRoutes } from './app-routes.ts'
import { appStore } from './apps.ts'
import { buildStore } from './builds.ts'
import { cronRunStore } from './cron-runs.ts'
import { eventStore } from './events.ts'
import { globalConfigStore } from './global-config.ts'
import { stateHealth } from './health.ts'
import { changeHosts, type HostChange } from './hosts.ts'
import { dumpState, loadState, type StateRecord } from './dump.ts'
import { backupStore } from './backups.ts'
import { releaseStore } from './releases.ts'
import { migrateState } from './schema.ts'
import { type Secrets } from './secrets.ts'
import { serviceStore } from './services.ts'
import { settingsStore } from './settings.ts'
import { sshKeyStore } from './ssh-keys.ts'
import { switchTo, type Switch } from './switch.ts'

export type Store = ReturnType<typeof createStore>

/** The state of the platform, one member per aggregate. */
export function createStore(redis: Redis, secrets: Secrets) {
  return {
    apps: appStore(redis),
    builds: buildStore(redis),
    cronRuns: cronRunStore(redis),
    events: eventStore(redis),
    globalConfig: globalConfigStore(redis),
    releases: releaseStore(redis),
    routes: appRoutes(redis),
    services: serviceStore(redis),
    backups: backupStore(redis),
    sshKeys: sshKeyStore(redis),
    secrets,
    settings: settingsStore(redis),
    /** Redis itself. */
    health: () => stateHealth(redis),
    /** Stores an app's name and domains with its routes; resolves to the version of the route table. */
    changeHosts: (change: HostChange): Promise<number> => changeHosts(redis, change),
    /** All of it, for a backup; and back. */
    dump: (): Promise<StateRecord[]> => dumpState(redis),
    load: (records: readonly StateRecord[]): Promise<void> => loadState(redis, records),
    /** Brings it up to date with this program; `before` is run first where there is anything to do. */
    migrate: (before: (from: number) => Promise<void>): Promise<{ from: number; to: number }> =>
      migrateState(redis, before),
    /** Puts a release live; resolves to the version of the route table that does. */
    switchTo: (change: Switch): Promise<number> => switchTo(redis, change),
  }
}

import { join } from 'node:path'
import { type InstancePaths } from '../lib/paths.ts'
import { type Instance } from '../model/instance.ts'
import { type Account } from './accounts.ts'
import { type Owned } from './files.ts'

/** The OS users of an instance besides root. Redis runs as the user of its own package. */
export function accountNames(instance: Pick<Instance, 'user'>) {
  return { push: instance.user, router: `${instance.user}-router`, redis: 'redis' }
}

/** The users that set-up creates. */
export function accountsOf(instance: Instance, paths: InstancePaths): Account[] {
  const { push, router } = accountNames(instance)
  return [
    { name: push, home: paths.home, shell: '/bin/sh', comment: 'paas, for pushes over SSH' },
    { name: router, home: '/nonexistent', shell: '/usr/sbin/nologin', comment: 'paas, runs the router' },
  ]
}

/** Folders that survive a restart of the machine, parents first. */
export function directories(instance: Instance, paths: InstancePaths): Owned[] {
  const { push, router, redis } = accountNames(instance)
  const root = { owner: 'root', group: 'root' }
  return [
    { path: paths.etc, mode: 0o755, ...root },
    { path: paths.lib, mode: 0o755, ...root },
    { path: paths.log, mode: 0o755, ...root },
    { path: join(paths.log, 'router'), mode: 0o750, owner: router, group: router },
    { path: paths.redisData, mode: 0o700, owner: redis, group: redis },
    // Root owns the home and what decides who may log in, so that no push can change it.
    { path: paths.home, mode: 0o755, ...root },
    { path: join(paths.home, '.ssh'), mode: 0o755, ...root },
    { path: paths.repos, mode: 0o750, owner: push, group: push },
    { path: paths.builds, mode: 0o700, ...root },
    { path: paths.appLogs, mode: 0o700, ...root },
    { path: join(paths.lib, 'router'), mode: 0o750, owner: router, group: router },
  ]
}

/** Folders of sockets, gone after a restart of the machine; the parent first. */
export function runDirectories(instance: Instance, paths: InstancePaths): Owned[] {
  const { router, redis } = accountNames(instance)
  return [
    { path: paths.run, mode: 0o755, owner: 'root', group: 'root' },
    { path: join(paths.run, 'redis'), mode: 0o750, owner: redis, group: router },
    { path: join(paths.run, 'router'), mode: 0o755, owner: router, group: router },
  ]
}

import { join } from 'node:path'

/**
 * Where everything of one instance lives. `root` is '/' for the machine's own instance and a directory for
 * a private one (`bin/setup --root DIR`), so every path of an instance follows from this one value.
 */
export function instancePaths(root: string) {
  const etc = join(root, 'etc/paas')
  const lib = join(root, 'var/lib/paas')
  const run = join(root, 'run/paas')
  const log = join(root, 'var/log/paas')
  const opt = join(root, 'opt/paas')
  return {
    etc,
    lib,
    run,
    log,
    opt,
    /** The `paas` on the PATH, which sshd starts for every key. */
    launcher: join(root, 'usr/local/bin/paas'),
    /** Settings that set-up wrote: model/instance.ts. */
    settings: join(etc, 'config.json'),
    /** 32 random bytes; encrypts config and credentials; never in Redis, never in backups. */
    masterKey: join(etc, 'master.key'),
    redisConfig: join(etc, 'redis.conf'),
    redisUsers: join(etc, 'redis.acl'),
    /** Password of the Redis user `controller`, root only. */
    redisControllerPassword: join(etc, 'redis-controller.password'),
    /** Password of the Redis user `router`, readable by the router's user. */
    redisRouterPassword: join(etc, 'redis-router.password'),
    /** In a folder of its own, because Redis makes it and does not run as root. */
    redisSocket: join(run, 'redis/redis.sock'),
    /** The epoch that Redis must know; see store/epoch.ts. */
    epoch: join(lib, 'epoch'),
    /** 32 random bytes; encrypts backups. Whoever has a copy elsewhere can restore them on another server. */
    backupKey: join(etc, 'backup.key'),
    /** Backups of services and storage, one folder each. */
    backups: join(lib, 'backups'),
    /** What the state was like, a sealed file for each moment: recovery/state-backups.ts. */
    stateBackups: join(lib, 'state-backups'),
    /** Executables named after what they hear of, as `backup-failed`. */
    hooks: join(etc, 'hooks'),
    redisData: join(lib, 'redis'),
    /** The controller's socket for root. */
    rootSocket: join(run, 'root.sock'),
    /** The controller's socket for the SSH user, whose client states the key it authenticated. */
    sshSocket: join(run, 'ssh.sock'),
    /** The SSH user's home; `.ssh/authorized_keys` in it is written by the controller. */
    home: join(lib, 'home'),
    authorizedKeys: join(lib, 'home/.ssh/authorized_keys'),
    /** `paas serve` notes its processes here, a file each. */
    servePids: join(run, 'serve'),
    /** The router's control socket, in a folder that the router's user owns. */
    routerSocket: join(run, 'router/router.sock'),
    gitConfig: join(etc, 'gitconfig'),
    /** Settings of our own sshd; there only where set-up found no other sshd on the port. */
    sshdConfig: join(etc, 'sshd_config'),
    /** One bare repository per app id, owned by the SSH user. */
    repos: join(lib, 'repos'),
    /** Buildpacks that were added to those that come with paas, one folder each. */
    buildpacks: join(lib, 'buildpacks'),
    /** Spooled sources and build logs, one folder per build. */
    builds: join(lib, 'builds'),
    /** The log ring, one folder per app id. */
    appLogs: join(lib, 'logs'),
    routerSnapshot: join(lib, 'router/routes.json'),
    accessLog: join(log, 'router/access.log'),
  }
}

export type InstancePaths = ReturnType<typeof instancePaths>

import { createHash } from 'node:crypto'
import { type InstancePaths } from '../lib/paths.ts'
import { routeKeys } from '../store/routes.ts'

/**
 * Settings of the Redis that holds the state: a unix socket only, every write on disk before its reply
 * (`appendfsync always`), no silent eviction, and a torn tail of the log loads while damage in the middle refuses.
 */
export function redisConfig(paths: InstancePaths): string {
  return `# Written by bin/setup, which replaces it on its next run.
port 0
unixsocket ${paths.redisSocket}
unixsocketperm 770
daemonize no
protected-mode yes
dir ${paths.redisData}
aclfile ${paths.redisUsers}

appendonly yes
appendfsync always
no-appendfsync-on-rewrite no
aof-use-rdb-preamble yes
aof-load-truncated yes
save ""
maxmemory-policy noeviction

# Keys that another program writes reach the router at once: generic, list, set, hash, string, expired.
notify-keyspace-events Kglshx$
loglevel notice
logfile ""
`
}

/**
 * Two users and no default one. The controller writes everything of ours, without the dangerous commands; the
 * router reads routes, and writes dead marks and what it says about itself. Key permissions \`%R~\` need Redis 7.
 *
 * Nobody can be the default user, yet it may do everything: Redis replays its log as that user, and silently
 * drops every transaction in it that the user may not run.
 */
export function redisUsers(passwords: { controller: string; router: string }): string {
  const controller = [
    'on',
    hashed(passwords.controller),
    ...['paas:*', 'frontend:*', 'dead:*', 'healthcheck:*', 'tls:*', 'hchecker_ping'].map((key) => `~${key}`),
    '&*',
    '-@all +@read +@write +@transaction +@connection +@pubsub +@scripting -@dangerous',
    '+info +bgsave +bgrewriteaof +lastsave +config|get +client|list +memory|usage',
  ]
  const readable = [
    ...[routeKeys.frontend, routeKeys.dead, routeKeys.healthcheck, routeKeys.options].map((key) => key('*')),
    ...['tls:*', 'hchecker_ping', 'paas:route:*'],
  ]
  const router = [
    'on',
    hashed(passwords.router),
    ...readable.map((key) => `%R~${key}`),
    ...['dead:*', 'paas:route:worker:*'].map((key) => `%RW~${key}`),
    'resetchannels',
    // Patterns to subscribe to are compared letter by letter, so each stands here as the router writes it.
    ...['dead', 'paas:route:*', ...readable.map((key) => `__keyspace@0__:${key}`)].map(
      (channel) => `&${channel}`,
    ),
    '-@all +@read +@write +@transaction +@connection +@pubsub -@dangerous +info',
  ]
  return `user default off resetpass sanitize-payload ~* &* +@all
user controller ${controller.join(' ')}
user router ${router.join(' ')}
`
}

/** Redis takes a password as SHA-256, so the file holds none. */
function hashed(password: string): string {
  return `#${createHash('sha256').update(password).digest('hex')}`
}

import { createHash } from 'node:crypto'
import { type Access, bash, type Datastore } from '../service.ts'
import { contents, restore, start, writeUsers } from './scripts.ts'

const mebibyte = 1024 * 1024
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Apps are the default user, which every client can be; `paas` is us, whatever becomes of that one's password. */
const users = ({ password, admin }: Access): string =>
  `user default on #${sha256(password)} ~* &* +@all\nuser paas on #${sha256(admin)} ~* &* +@all\n`

const asAdmin = ({ admin }: Access): Record<string, string> => ({ REDISCLI_AUTH: admin })
const cli = ['redis-cli', '--no-auth-warning', '--user', 'paas', '-e']

/** Redis. Every write is in the append-only file within a second; nothing is evicted unless that is set. */
export const redis: Datastore = {
  kind: 'redis',
  aliases: ['valkey'],
  title: 'Redis',
  image: { version: '8', packages: ['redis-server', 'redis-tools'] },
  needs: { programs: ['redis-check-rdb', 'redis-cli', 'redis-server'], version: '7.0', users: ['valkey'] },
  port: 6379,
  user: 'redis',
  dataFolder: '/data',
  memoryBytes: 256 * mebibyte,
  stopSignal: 'SIGTERM',
  env: {},
  variables: ['REDIS_URL'],
  url: ({ password }, { host, port }) => `redis://:${password}@${host}:${port}`,
  start({ memoryBytes, settings }) {
    // The other half is for copies on writing, buffers, and a second server while a dump is loaded.
    const all = { maxmemory: `${Math.floor(memoryBytes / 2 / mebibyte)}mb`, ...settings }
    return bash(start, ...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]))
  },
  prepare: (access) => ({ command: bash(writeUsers), input: users(access) }),
  version: { command: ['redis-server', '--version'] },
  ready: (access) => ({ command: [...cli, 'ping'], env: asAdmin(access) }),
  provision: (access) => ({
    command: bash(`${writeUsers}\nredis-cli --no-auth-warning --user paas -e ACL LOAD > /dev/null`),
    input: users(access),
    env: asAdmin(access),
  }),
  shell: ({ password }) => ({
    command: ['redis-cli', '--no-auth-warning'],
    env: { REDISCLI_AUTH: password },
  }),
  data: {
    packed: true,
    dump: (access) => ({ command: [...cli, '--rdb', '-'], env: asAdmin(access) }),
    restore: (access) => ({ command: bash(restore), env: asAdmin(access) }),
    contents: (access) => ({ command: bash(contents), env: asAdmin(access) }),
  },
}
